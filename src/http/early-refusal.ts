import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { GrantType } from '../protocol/grant-types.ts'
import type { RequestObserver } from './middleware/observe.ts'

export interface EarlyRefusalOptions {
  /** The path of the issuer, below which it answers too. */
  readonly path: string
  readonly load: { hasRoomFor(grant: GrantType): boolean; refuse(grant: GrantType): number }
  readonly logins: { readonly isFull: boolean; refuse(): number }
  readonly requests?: RequestObserver | undefined
}

const route = '/oauth2/token'
const body = JSON.stringify({
  error: 'temporarily_unavailable',
  error_description: 'The issuer cannot answer now. Try again.',
})

/** What a form asks for. Whatever hides it from here is judged by who reads the form. */
const grantType = /(?:^|&)grant_type=(client_credentials|password|refresh_token)(?:&|$)/

/** As much as a body may have; the rest of a larger one would have to be read before the next request. */
const mostBody = 65_536

/**
 * Answers token requests that there is no room for with 503 before anything is done for them. To refuse one must cost
 * next to nothing, or refusing three times as many as can be served leaves no time for those: what a framework does
 * for each request is a third of a token. Everything else, and everything while there is room, goes on to `handle`.
 */
export function refuseEarly(handle: RequestListener, options: EarlyRefusalOptions): RequestListener {
  const { path, load, logins } = options
  const locations = new Set([route, `${path}${route}`])
  const isTokenRequest = ({ method, url, headers }: IncomingMessage) =>
    // A script of another origin would not be let see the answer that is given here.
    method === 'POST' && url !== undefined && locations.has(url) && headers.origin === undefined
  /** After how many seconds to come again; undefined when there is room. */
  const judge = (grant: GrantType): number | undefined => {
    if (!load.hasRoomFor(grant)) return load.refuse(grant)
    return grant === 'password' && logins.isFull ? logins.refuse() : undefined
  }
  return (request, response) => {
    const isRoom = load.hasRoomFor('client_credentials') && !logins.isFull
    if (isRoom || !isTokenRequest(request)) {
      handle(request, response)
      return
    }
    peek(request, (start) => {
      const asked = grantType.exec(start)?.[1] as GrantType | undefined
      const wait = asked && judge(asked)
      if (wait === undefined) handle(request, response)
      else refuse(request, response, wait, options.requests)
    })
  }
}

/** Looks at the part of the body that has come first, and leaves it there. */
function peek(request: IncomingMessage, look: (start: string) => void): void {
  request.once('readable', () => {
    const start: Buffer | null = request.read()
    if (start !== null) request.unshift(start)
    look(start?.toString('latin1') ?? '')
  })
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  retryAfterSeconds: number,
  requests: RequestObserver | undefined,
): void {
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  response.writeHead(503, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'X-Content-Type-Options': 'nosniff',
    'Retry-After': retryAfterSeconds,
    ...(!(length <= mostBody) && { Connection: 'close' }),
  })
  response.end(body)
  requests?.began()
  requests?.answered({ method: 'POST', route, status: 503, error: 'temporarily_unavailable', seconds: 0 })
}
