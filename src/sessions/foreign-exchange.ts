import { sha256 } from '../lib/digests.ts'
import { InvalidGrantError } from '../protocol/errors.ts'
import type { ClientRecord } from '../store/client-table.ts'
import { DuplicateError } from '../store/errors.ts'
import type { ForeignTokenRecord } from '../store/foreign-token-table.ts'
import type { Store } from '../store/store.ts'
import type { UserRecord } from '../store/user-table.ts'
import type { Counting } from './refresh-decision.ts'
import { RefreshRefusedError } from './refresh-refused-error.ts'
import type { Redemption, RefreshedSession, SessionService } from './session-service.ts'

/** An authentic refresh token of the issuer before this one. */
export interface ForeignRefreshToken {
  /** The `user_id` that the user came with. */
  readonly userId: string
  /** Names the token. */
  readonly digest: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface ExchangeRequest extends Omit<Redemption, 'resource'> {
  readonly client: ClientRecord
  /** What the session is for. */
  readonly scopes: readonly string[]
  readonly audience: string
}

/** Somebody else has exchanged or blacklisted the token meanwhile. */
class TakenError extends Error {}

/**
 * Exchanges a refresh token of the issuer before this one, once, for a session of ours. From then on it counts as that
 * session's token before the first: what was lost is answered again, and later use ends the session.
 */
export class ForeignExchange {
  readonly #store: Store
  readonly #sessions: SessionService

  constructor(store: Store, sessions: SessionService) {
    this.#store = store
    this.#sessions = sessions
  }

  /** @throws {RefreshRefusedError} by the rules of refreshing. */
  async exchange(token: ForeignRefreshToken, request: ExchangeRequest): Promise<RefreshedSession> {
    const known = await this.#store.foreignTokens.find(token.digest)
    if (known) return this.#repeat(known, request)
    try {
      return await this.#begin(token, request)
    } catch (error) {
      const isTaken = error instanceof TakenError || error instanceof DuplicateError
      const taken = isTaken ? await this.#store.foreignTokens.find(token.digest) : undefined
      if (taken) return this.#repeat(taken, request)
      throw error
    }
  }

  /** Whether the token counts still, for a client whose tokens count so often; changes nothing. */
  async counts({ digest, userId }: ForeignRefreshToken, counting: Counting): Promise<boolean> {
    const known = await this.#store.foreignTokens.find(digest)
    if (known) {
      if (known.handle === null || counting === 'once') return false
      return (await this.#sessions.findByHandle(known.handle)) !== undefined
    }
    const user = await this.#store.users.findByUserIdClaim(userId)
    if (!user || user.disabledAt !== null || hasChangedPassword(user)) return false
    return !(await this.#store.foreignTokens.haveEnded(user.id))
  }

  /**
   * Takes the token back, and ends the session that it was exchanged for.
   * @returns false when it did not count any more, for a client whose tokens count so often.
   */
  async blacklist(token: ForeignRefreshToken, counting: Counting): Promise<boolean> {
    try {
      return await this.#takeBack(token, counting)
    } catch (error) {
      // Somebody exchanged it in this very moment, so it has a session now.
      if (error instanceof DuplicateError) return this.#takeBack(token, counting)
      throw error
    }
  }

  #takeBack({ digest, expiresAt }: ForeignRefreshToken, counting: Counting): Promise<boolean> {
    return this.#store.transaction(async (tx) => {
      const known = await tx.foreignTokens.find(digest)
      if (!known) {
        await tx.foreignTokens.insert({ digest, handle: null, at: tx.now, expiresAt })
        return true
      }
      const session = known.handle === null ? undefined : await tx.sessions.findByHandle(known.handle)
      if (session) {
        const { sid } = session
        const ended = await tx.sessions.end({ sid }, 'revoked_by_client', tx.now)
        if (ended > 0) {
          await tx.record({ type: 'session.revoked', sid, reason: 'revoked_by_client' })
          return counting !== 'once'
        }
      }
      return false
    })
  }

  async #begin(token: ForeignRefreshToken, request: ExchangeRequest): Promise<RefreshedSession> {
    const { client, scopes, audience, retryKey, counting } = request
    const { digest, expiresAt } = token
    const user = await this.#store.users.findByUserIdClaim(token.userId)
    if (!user || user.disabledAt !== null) throw new RefreshRefusedError('disabled')
    if (hasChangedPassword(user)) throw new RefreshRefusedError('ended', 'password_changed')
    if (await this.#store.foreignTokens.haveEnded(user.id)) throw new RefreshRefusedError('ended')
    const open = await this.#sessions
      .start(client, user, scopes, audience, {
        retryKey: retryKey === undefined ? null : sha256(retryKey),
        // A client that keeps the old token has nothing else to keep the session by.
        ...(counting === 'always' && { idleUntil: expiresAt }),
        take: async (tx, { handle }) => {
          if (await tx.foreignTokens.find(digest)) throw new TakenError()
          if (await tx.foreignTokens.haveEnded(user.id)) throw new RefreshRefusedError('ended')
          await tx.foreignTokens.insert({ digest, handle, at: tx.now, expiresAt })
        },
      })
      .catch((error) => {
        // The account ended, or another password was set, in this very moment.
        if (error instanceof RefreshRefusedError || !(error instanceof InvalidGrantError)) throw error
        throw new RefreshRefusedError('disabled')
      })
    return { ...open, scopes, user }
  }

  async #repeat({ handle }: ForeignTokenRecord, request: ExchangeRequest): Promise<RefreshedSession> {
    if (handle === null) throw new RefreshRefusedError('ended')
    const { counting } = request
    return this.#sessions
      .refreshBefore(handle, {
        ...request,
        // The session's: what the request would ask for now says nothing of what was granted.
        scopes: undefined,
        resource: undefined,
        // Its place was taken, so it does not move the session; it is answered for as long as it would have been.
        counting: counting === 'always' ? 'until_expiry' : counting,
      })
      .catch((error) => {
        // The session is gone so long that its row is too.
        const isGone = error instanceof RefreshRefusedError && error.reason === 'unknown'
        throw isGone ? new RefreshRefusedError('ended') : error
      })
  }
}

/** Whether the password is another than the one that the user came with; a better hash of it is the same. */
function hasChangedPassword({ passwordChangedAt, passwordImportedAt }: UserRecord): boolean {
  return passwordChangedAt !== passwordImportedAt
}
