import type { Context } from 'koa'
import type { ClientAuthentication } from '../../clients/client-authentication.ts'
import type { ClientRecord } from '../../clients/client-directory.ts'
import type { GrantPipeline } from '../../grants/pipeline.ts'
import { InvalidRequestError } from '../../protocol/errors.ts'
import type { LiveSessions } from '../../sessions/live-sessions.ts'
import type { Mint } from '../../tokens/mint.ts'
import type { ClientNetworks } from '../client-network.ts'
import { issueInCookies, openOAuthCookies } from '../cookies/oauth.ts'
import type { TokenCookies } from '../cookies/token-cookies.ts'
import { answerJson } from '../json-answer.ts'
import { whenGone } from '../when-gone.ts'
import { readCredentials } from './credentials.ts'
import { readParameters } from './parameters.ts'

export interface TokenEndpointOptions {
  readonly clients: ClientAuthentication
  readonly pipeline: GrantPipeline
  readonly mint: Mint
  readonly cookies: TokenCookies
  readonly networks: ClientNetworks
  readonly liveSessions: Pick<LiveSessions, 'have'>
}

/** An `Idempotency-Key` is any short visible ASCII. */
const idempotencyKey = /^[\x21-\x7E]{1,255}$/

/** `POST /oauth2/token` (RFC 6749 §3.2). */
export function tokenEndpoint(options: TokenEndpointOptions): (context: Context) => Promise<void> {
  const { clients, pipeline, mint, cookies, networks, liveSessions } = options
  const holdsSession = async (parameters: ReadonlyMap<string, string>, client: ClientRecord) => {
    const refreshToken = parameters.get('refresh_token')
    if (refreshToken === undefined || parameters.get('grant_type') !== 'refresh_token') return false
    return liveSessions.have(refreshToken, client)
  }
  return async (context) => {
    const parameters = readParameters(context)
    const credentials = readCredentials(context.headers.authorization, parameters)
    const retryKey = readIdempotencyKey(context)
    const network = networks.find(context.req)
    const client = await clients.authenticate(credentials, network, (claimed) =>
      holdsSession(parameters, claimed),
    )
    const signal = parameters.get('grant_type') === 'password' ? whenGone(context) : undefined
    const issue = async (given: ReadonlyMap<string, string>) =>
      mint.issue(
        await pipeline.authorizeKnown(client, {
          parameters: given,
          idempotencyKey: retryKey,
          network,
          signal,
        }),
      )
    // A token of the client itself is none of a browser's.
    const isForUser = parameters.get('grant_type') !== 'client_credentials'
    const kept = isForUser ? openOAuthCookies(cookies, client, context) : undefined
    answerJson(context, await (kept ? issueInCookies(kept, parameters, issue) : issue(parameters)))
  }
}

function readIdempotencyKey(context: Context): string | undefined {
  const key = context.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && idempotencyKey.test(key)) return key
  throw new InvalidRequestError('An Idempotency-Key is 1 to 255 visible ASCII characters.')
}
