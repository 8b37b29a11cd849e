import { chooseTarget, grantScopes } from '../apis/target.ts'
import { InvalidGrantError, InvalidRequestError } from '../protocol/errors.ts'
import type { ForeignExchange } from '../sessions/foreign-exchange.ts'
import type { Redemption, RefreshedSession, SessionService } from '../sessions/session-service.ts'
import type { Authorization } from '../tokens/authorization.ts'
import type { Grant, GrantRequest } from './grant.ts'

/** A session's refresh token (RFC 6749 §6). */
export class RefreshTokenGrant implements Grant {
  readonly type = 'refresh_token'
  readonly #sessions: SessionService
  readonly #exchanges: ForeignExchange

  constructor(sessions: SessionService, exchanges: ForeignExchange) {
    this.#sessions = sessions
    this.#exchanges = exchanges
  }

  async authorize(request: GrantRequest): Promise<Authorization> {
    const { client, targets } = request
    const refreshed = await this.#redeem(request, {
      client,
      counting: request.counting,
      retryKey: request.idempotencyKey,
      scopes: request.scopes,
      resource: request.resource,
      open: { get: (audience) => targets.findOfSession(audience)?.scopes },
    })
    const target = targets.findOfSession(refreshed.session.audience)
    if (!target) throw new InvalidGrantError('The audience of the session is not open to this client.')
    return {
      grant: 'refresh_token',
      client,
      target,
      scopes: refreshed.scopes,
      subject: {
        kind: 'user',
        id: refreshed.session.user,
        ...refreshed.user,
        open: async () => refreshed,
      },
    }
  }

  #redeem(request: GrantRequest, redemption: Redemption): Promise<RefreshedSession> {
    const { resume, exchange, parameters, targets, resource } = request
    if (exchange !== undefined) {
      // As a login would: what it was for before says nothing of the audiences here.
      const target = chooseTarget(targets, resource, request.scopes)
      const scopes = grantScopes(target, request.scopes)
      return this.#exchanges.exchange(exchange, { ...redemption, scopes, audience: target.audience })
    }
    if (resume !== undefined) return this.#sessions.resume(resume, redemption)
    const refreshToken = parameters.get('refresh_token')
    if (refreshToken === undefined) throw new InvalidRequestError('The refresh token is missing.')
    return this.#sessions.refresh({ ...redemption, refreshToken })
  }
}
