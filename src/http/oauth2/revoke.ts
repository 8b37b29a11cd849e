import type { Context } from 'koa'
import type { ClientAuthentication } from '../../clients/client-authentication.ts'
import { InvalidRequestError } from '../../protocol/errors.ts'
import type { SessionService } from '../../sessions/session-service.ts'
import type { Introspection } from '../../tokens/introspection.ts'
import { isIssuedTo } from '../../tokens/own-token.ts'
import type { Revocation } from '../../tokens/revocation.ts'
import type { ClientNetworks } from '../client-network.ts'
import { openOAuthCookies, revokeInCookies } from '../cookies/oauth.ts'
import type { TokenCookies } from '../cookies/token-cookies.ts'
import { readCredentials } from './credentials.ts'
import { readParameters } from './parameters.ts'

export interface RevocationServices {
  readonly revocation: Revocation
  readonly introspection: Pick<Introspection, 'judge'>
  readonly sessions: Pick<SessionService, 'end'>
}

/** `POST /oauth2/revoke` (RFC 7009). */
export function revocationEndpoint(
  clients: ClientAuthentication,
  { revocation, introspection, sessions }: RevocationServices,
  cookies: TokenCookies,
  networks: ClientNetworks,
): (context: Context) => Promise<void> {
  return async (context) => {
    const parameters = readParameters(context)
    const credentials = readCredentials(context.headers.authorization, parameters)
    const caller = await clients.authenticate(credentials, networks.find(context.req))
    const token = parameters.get('token')
    const kept = openOAuthCookies(cookies, caller, context)
    if (kept) {
      await revokeInCookies(kept, token, {
        revoke: (chosen) => revocation.revoke(chosen, caller),
        async logOut(chosen) {
          await revocation.revoke(chosen, caller)
          const verdict = await introspection.judge(chosen)
          // Revoking an expired one asks nobody whose it is.
          if (verdict.kind === 'unknown' || !isIssuedTo(caller, verdict.claims)) return
          if (verdict.claims.sid !== undefined) await sessions.end(verdict.claims.sid)
        },
      })
    } else if (token === undefined) throw new InvalidRequestError('The parameter token is missing.')
    else await revocation.revoke(token, caller)
    context.status = 200
    context.body = ''
  }
}
