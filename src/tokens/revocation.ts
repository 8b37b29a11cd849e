import type { KeyObject } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'
import { InvalidGrantError } from '../protocol/errors.ts'
import { looksLikeRefreshToken } from '../sessions/refresh-token.ts'
import type { SessionService } from '../sessions/session-service.ts'
import type { Status } from '../status/status.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { Store } from '../store/store.ts'
import { isIssuedTo, readOwnToken } from './own-token.ts'

export interface RevocationOptions {
  readonly issuer: string
  readonly keys: { publicKey(kid: string): KeyObject | undefined }
  readonly store: Store
  readonly sessions: SessionService
  readonly status: Pick<Status, 'placeOf' | 'isRevoked'>
  readonly clock: Clock
}

/** Takes tokens back (RFC 7009). What a token is, it says itself, so a wrong `token_type_hint` does no harm. */
export class Revocation {
  readonly #options: RevocationOptions

  constructor(options: RevocationOptions) {
    this.#options = options
  }

  /**
   * Ends the session of a refresh token, of whichever generation, or revokes an access token, and with it those of
   * the same session, which goes on. A token that is unknown, expired or revoked already is no error (RFC 7009 §2.2).
   * @throws {InvalidGrantError} when the token is another client's (§2.1); nothing has changed then.
   */
  async revoke(token: string, caller: ClientRecord): Promise<void> {
    if (looksLikeRefreshToken(token)) await this.#revokeRefreshToken(token, caller)
    else await this.#revokeAccessToken(token, caller)
  }

  async #revokeRefreshToken(token: string, caller: ClientRecord): Promise<void> {
    // Also one that has expired: by a clock that is set back tomorrow it would live again.
    const session = await this.#options.sessions.findAny(token)
    if (!session) return
    if (session.client !== caller.id) throw foreign()
    await this.#options.sessions.end(session.sid)
  }

  async #revokeAccessToken(token: string, caller: ClientRecord): Promise<void> {
    const { issuer, keys, store, clock, sessions, status } = this.#options
    const claims = readOwnToken(token, issuer, keys)
    if (!claims || clock.now() >= claims.exp * second) return
    if (!isIssuedTo(caller, claims)) throw foreign()
    const place = status.placeOf(claims.status)
    if (!place) {
      // Of a session from before there were lists: only its end takes the token back where it is introspected.
      if (claims.sid !== undefined) await sessions.end(claims.sid)
      return
    }
    if (await status.isRevoked(place)) return
    const event = { type: 'access_token.revoked', jti: claims.jti, client: caller.clientId } as const
    if (claims.sid !== undefined) await sessions.replaceAccessTokens(claims.sid, place, event)
    else {
      await store.transaction(async (tx) => {
        await tx.statusLog.flag([place])
        await tx.record(event)
      })
    }
  }
}

function foreign(): InvalidGrantError {
  return new InvalidGrantError('The token was issued to another client.')
}
