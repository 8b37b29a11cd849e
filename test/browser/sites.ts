import { once } from 'node:events'
import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { selfSigned } from '../admin/doctor/self-signed.ts'
import { attackerPage, shopPage } from './pages.ts'

/** Which of the two defences a copy of the shop has. */
export interface Defences {
  /** Its cookies are `SameSite=Strict`, and not `None`. */
  readonly sameSite: boolean
  /** The issuer and the service see what the browser says of the sending page, and not that it is their own. */
  readonly pageCheck: boolean
}

/** The shop under four names. The issuer is the same behind each, and takes each for itself. */
export const shops: Readonly<Record<string, Defences>> = {
  'shop.example': { sameSite: true, pageCheck: true },
  'shop-checks-pages.example': { sameSite: false, pageCheck: true },
  'shop-has-samesite.example': { sameSite: true, pageCheck: false },
  'shop-naive.example': { sameSite: false, pageCheck: false },
}

export const ownHost = 'shop.example'

/** On the site of the shop, and listed in `MINTAGE_CORS_ORIGINS`. */
export const friendlyHost = 'app.shop.example'

/** What has come to a shop. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly hasCookie: boolean
  readonly status: number
}

/** What a script may see of an answer, if the browser lets it. */
export type SeenAnswer = string

export interface Sites {
  readonly port: number
  /** The last request that a shop has answered, other than those for its page. */
  last(): SeenRequest | undefined
  forget(): void
  /** The body, and every header but `Set-Cookie`, of all that the shops have answered since the last time. */
  takeAnswers(): readonly SeenAnswer[]
  close(): Promise<void>
}

/** Where the requests to a shop go. */
export interface Upstreams {
  readonly issuer: string
  readonly orders: string
}

/** Serves every host over TLS on one port: the shops as a reverse proxy would, the others with a page of an attacker. */
export async function startSites(upstreams: Upstreams): Promise<Sites> {
  let last: SeenRequest | undefined
  let answers: SeenAnswer[] = []
  const server = createServer(selfSigned, (request, response) => {
    const host = request.headers.host ?? ''
    const defences = shops[host]
    const { pathname: path } = new URL(request.url ?? '/', `https://${host}`)
    if (path === '/' || path === '/favicon.ico') {
      const page = defences || host === friendlyHost ? shopPage : attackerPage
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(page)
    } else if (defences) {
      const seen = (status: number, answer: SeenAnswer) => {
        answers.push(answer)
        const hasCookie = request.headers.cookie !== undefined
        last = { method: request.method ?? '', path, hasCookie, status }
      }
      pass(request, response, {
        host,
        defences,
        seen,
        to: path === '/orders' ? upstreams.orders : upstreams.issuer,
      })
    } else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    last: () => last,
    forget: () => {
      last = undefined
    },
    takeAnswers() {
      const taken = answers
      answers = []
      return taken
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Passing {
  readonly host: string
  readonly defences: Defences
  readonly to: string
  readonly seen: (status: number, answer: SeenAnswer) => void
}

function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { host, defences, to, seen }: Passing,
): void {
  const headers = { ...request.headers }
  const own = `https://${ownHost}`
  if (headers.origin === `https://${host}`) headers.origin = own
  if (!defences.pageCheck) Object.assign(headers, { origin: own, 'sec-fetch-site': 'same-origin' })
  const passed = forward(to + request.url, { method: request.method, headers }, async (answer) => {
    const { 'set-cookie': set, ...others } = answer.headers
    const cookies = set?.map((cookie) =>
      defences.sameSite ? cookie : cookie.replace('SameSite=Strict', 'SameSite=None'),
    )
    const body = Buffer.concat(await answer.toArray())
    const status = answer.statusCode ?? 502
    seen(status, JSON.stringify(others) + body.toString())
    response.writeHead(status, { ...others, ...(cookies && { 'set-cookie': cookies }) }).end(body)
  })
  passed.on('error', () => response.destroy())
  request.pipe(passed)
}
