import type { Event, SessionEnd } from '../events/event.ts'
import { sha256 } from '../lib/digests.ts'
import { randomId, randomToken } from '../lib/ids.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'
import { InvalidClientError, InvalidGrantError } from '../protocol/errors.ts'
import { formatScope } from '../protocol/scopes.ts'
import type { IndexBlocks } from '../status/index-blocks.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { SessionRecord } from '../store/session-table.ts'
import type { StatusReference } from '../store/status-change.ts'
import type { Store } from '../store/store.ts'
import type { UserRecord } from '../store/user-table.ts'
import type { MacKeys } from './mac-keys.ts'
import { type Counting, decideRefresh, type RefreshOutcome, type SessionUser } from './refresh-decision.ts'
import { RefreshRefusedError, toRefreshError } from './refresh-refused-error.ts'
import { createHandle, deriveKey, readRefreshToken, writeRefreshToken } from './refresh-token.ts'
import { isLive } from './session-life.ts'
import type { SessionOrigin, ShownToken } from './session-origin.ts'
import { SessionPlaces } from './session-places.ts'

/** What sessions need of the key ring. */
export interface SessionKeys extends MacKeys {
  /** Whether what a session needs can be signed now. */
  isUsable(): boolean
  /** When it was last asked for and could not, in milliseconds since the epoch. */
  readonly unusableUntil: number
  /** Makes sure, durably, that MAC keys outlive sessions that may idle this long (milliseconds). */
  ensureIdle(milliseconds: number): Promise<void> | undefined
}

/** The lives of sessions, in milliseconds, where a client has none of its own. */
export interface SessionPolicy {
  readonly idleTtl: number
  readonly ttl: number
  readonly retryWindow: number
}

/** A session and the token that refreshes it. */
export interface OpenSession {
  readonly session: SessionRecord
  readonly refreshToken: string
}

/** What a refresh yields: the session as it is now, its token, and what tokens may say. */
export interface RefreshedSession extends OpenSession {
  readonly scopes: readonly string[]
  readonly user: SessionUser
}

export interface RefreshRequest {
  readonly client: ClientRecord
  readonly refreshToken: string
  /** `once` where nothing else is said. */
  readonly counting?: Counting | undefined
  /** The value of the `Idempotency-Key` header. */
  readonly retryKey: string | undefined
  readonly scopes: readonly string[] | undefined
  readonly resource: string | undefined
  /** The audiences that are open to the client now, each with the scopes it may have there. */
  readonly open: Pick<ReadonlyMap<string, readonly string[]>, 'get'>
}

/** A refresh, whatever stands for the token. */
export type Redemption = Omit<RefreshRequest, 'refreshToken'>

/** Starts sessions, and refreshes them by the rules of `refresh-decision.ts`. */
export class SessionService {
  readonly #store: Store
  readonly #keys: SessionKeys
  readonly #policy: SessionPolicy
  readonly #places: SessionPlaces
  readonly #underWay = new Map<string, Promise<RefreshOutcome>>()

  constructor(store: Store, keys: SessionKeys, places: IndexBlocks, policy: SessionPolicy) {
    this.#store = store
    this.#keys = keys
    this.#places = new SessionPlaces(store, places)
    this.#policy = policy
  }

  /**
   * Starts a session and records the login that it comes from, where it has no other origin.
   * @throws {InvalidClientError | InvalidGrantError} when client or user may not have one any more.
   */
  async start(
    client: ClientRecord,
    user: UserRecord,
    scopes: readonly string[],
    audience: string,
    origin?: SessionOrigin,
  ): Promise<OpenSession> {
    const idleTtl = await this.#idleTtl(client, origin?.idleUntil)
    await this.#keys.ensureIdle(idleTtl)
    const macKey = this.#keys.currentMacKey()
    const ttl = client.sessionTtl ?? this.#policy.ttl
    const session = await this.#places.assign(ttl, async (tx, status) => {
      const started: SessionRecord = {
        handle: createHandle(),
        sid: randomId('ses'),
        client: client.id,
        user: user.id,
        scope: formatScope(scopes),
        audience,
        generation: 0,
        macKey: macKey.id,
        rotatedAt: tx.now,
        retryKey: origin?.retryKey ?? null,
        attempt: null,
        createdAt: tx.now,
        idleExpiresAt: tx.now + idleTtl,
        expiresAt: tx.now + ttl,
        endedAt: null,
        endReason: null,
        status,
      }
      // What is remembered of the client may be a moment old, and no session of it may outlive its end.
      const registered = await tx.clients.findById(client.id)
      if (registered?.disabledAt !== null) throw new InvalidClientError()
      // The account may have been disabled, or its password changed, while the password was being hashed.
      const current = await tx.users.findById(user.id)
      if (current?.disabledAt !== null || current.passwordChangedAt !== user.passwordChangedAt) {
        throw new InvalidGrantError('The user name or password is wrong.')
      }
      await tx.sessions.insert(started)
      await origin?.take(tx, started)
      const whose = { client: client.clientId, user: user.id }
      if (!origin) await tx.record({ type: 'login.succeeded', ...whose })
      const by = origin && { by: 'foreign_token' as const }
      await tx.record({ type: 'session.started', sid: started.sid, ...whose, ...by })
      return started
    })
    return { session, refreshToken: writeRefreshToken(session, macKey) }
  }

  /**
   * Redeems a refresh token (RFC 6749 §6). The rotation is durable before this returns.
   * @throws {InvalidGrantError | InvalidScopeError | InvalidTargetError} when the rules refuse it.
   * @throws {UnavailableError} when what it would yield could not be signed; nothing was redeemed.
   */
  async refresh(request: RefreshRequest): Promise<RefreshedSession> {
    if (!this.#keys.isUsable()) throw new UnavailableError('No key can sign, so nothing is redeemed.')
    const content = readRefreshToken(request.refreshToken, this.#keys)
    if (!content) throw new RefreshRefusedError('unknown')
    return this.#redeem(content, request, request.refreshToken)
  }

  /**
   * Redeems whatever refresh token a session has now, for a client that showed an access token of the session in its
   * place. The session does not move, so its tokens go on as they are; one that is revoked meanwhile yields nothing.
   * @throws as {@link refresh} does.
   */
  async resume({ sid, place }: ShownToken, request: Redemption): Promise<RefreshedSession> {
    const session = await this.#store.sessions.findBySid(sid)
    if (!session) throw new RefreshRefusedError('unknown')
    const shown = JSON.stringify([sid, place])
    return this.#redeem({ handle: session.handle, place }, { ...request, counting: 'always' }, shown)
  }

  /**
   * Redeems what a session began by, as if it were its refresh token before the first.
   * @throws as {@link refresh} does.
   */
  async refreshBefore(handle: string, request: Redemption): Promise<RefreshedSession> {
    return this.#redeem({ handle, generation: -1 }, request, `before ${handle}`)
  }

  async #redeem(
    content: {
      readonly handle: string
      readonly generation?: number
      readonly place?: StatusReference | undefined
    },
    request: Redemption,
    shown: string,
  ): Promise<RefreshedSession> {
    if (!this.#keys.isUsable()) throw new UnavailableError('No key can sign, so nothing is redeemed.')
    const { client, counting = 'once' } = request
    const idleTtl = client.sessionIdleTtl ?? this.#policy.idleTtl
    const raising = this.#keys.ensureIdle(idleTtl)
    if (raising) await raising
    const presentation = {
      generation: content.generation,
      place: content.place,
      counting,
      client: client.id,
      clientId: client.clientId,
      retryKey: request.retryKey === undefined ? null : sha256(request.retryKey),
      attempt: randomToken(12),
      scopes: request.scopes,
      resource: request.resource,
      open: request.open,
    }
    const outcome = await this.#once(
      JSON.stringify([shown, counting, client.id, request.retryKey, request.scopes, request.resource]),
      () =>
        this.#store.redeem(content.handle, (redeemable, now, servingSince) =>
          decideRefresh(redeemable, presentation, {
            now,
            servingSince: Math.max(servingSince, this.#keys.unusableUntil),
            retryWindow: client.retryWindow ?? this.#policy.retryWindow,
            idleTtl,
            macKey: this.#keys.currentMacKey().id,
          }),
        ),
    )
    if (outcome.kind === 'refused') throw toRefreshError(outcome)
    const { session } = outcome
    const key = this.#keys.macKey(session.macKey)
    if (!key) throw new RefreshRefusedError('unknown')
    return { ...outcome, refreshToken: writeRefreshToken(session, { id: session.macKey, key }) }
  }

  /**
   * A key of 32 bytes for one more presentation of an authentic refresh token, derived from the MAC key that it was
   * made under; undefined for any other string. `purpose` keeps presentations apart.
   */
  presentationKey(refreshToken: string, purpose: string): Buffer | undefined {
    return deriveKey(refreshToken, purpose, this.#keys)
  }

  /** The live session that an authentic refresh token belongs to, of whichever generation; changes nothing. */
  async find(refreshToken: string): Promise<{ session: SessionRecord; isLatest: boolean } | undefined> {
    const found = await this.#findAny(refreshToken)
    return found && isLive(found.session, await this.#store.now()) ? found : undefined
  }

  /** The session that an authentic refresh token belongs to, though it has ended or expired. */
  async findAny(refreshToken: string): Promise<SessionRecord | undefined> {
    return (await this.#findAny(refreshToken))?.session
  }

  async #findAny(refreshToken: string): Promise<{ session: SessionRecord; isLatest: boolean } | undefined> {
    const content = readRefreshToken(refreshToken, this.#keys)
    const session = content && (await this.#store.sessions.findByHandle(content.handle))
    return session && { session, isLatest: content.generation >= session.generation }
  }

  /** The live session of this `sid`. */
  async findBySid(sid: string): Promise<SessionRecord | undefined> {
    const session = await this.#store.sessions.findBySid(sid)
    return session && isLive(session, await this.#store.now()) ? session : undefined
  }

  /** The live session of this handle. */
  async findByHandle(handle: string): Promise<SessionRecord | undefined> {
    const session = await this.#store.sessions.findByHandle(handle)
    return session && isLive(session, await this.#store.now()) ? session : undefined
  }

  /** How long a session may idle that may do so until then, at least; in milliseconds. */
  async #idleTtl(client: ClientRecord, until: number | undefined): Promise<number> {
    const own = client.sessionIdleTtl ?? this.#policy.idleTtl
    return until === undefined ? own : Math.max(own, until - (await this.#store.now()))
  }

  /** Why the session of this `sid` is over; null while it lives, undefined where nothing is known of it. */
  async findEnd(sid: string): Promise<SessionEnd | 'expired' | null | undefined> {
    const session = await this.#store.sessions.findBySid(sid)
    if (!session || session.endReason !== null) return session?.endReason
    return isLive(session, await this.#store.now()) ? null : 'expired'
  }

  /** Ends a session on its client's word; ending it twice changes nothing. */
  async end(sid: string): Promise<void> {
    await this.#store.transaction(async (tx) => {
      const ended = await tx.sessions.end({ sid }, 'revoked_by_client', tx.now)
      if (ended > 0) await tx.record({ type: 'session.revoked', sid, reason: 'revoked_by_client' })
    })
  }

  /**
   * Revokes the access tokens that a session has at `place`; those to come get another, so its refresh token lives.
   * Nothing happens, and `event` is not told, when a live session's were revoked already.
   */
  async replaceAccessTokens(sid: string, place: StatusReference, event: Event): Promise<void> {
    const session = await this.findBySid(sid)
    if (!session) {
      // Its access tokens may outlive a session that nobody refreshed.
      await this.#store.transaction(async (tx) => {
        await tx.statusLog.flag([place])
        await tx.record(event)
      })
      return
    }
    await this.#places.assign(session.expiresAt - session.createdAt, async (tx, other) => {
      if (await tx.sessions.moveStatus(sid, place, other)) await tx.record(event)
    })
  }

  /** The same request many times at once is one redemption, so that a hammered token cannot fill the queue. */
  #once(key: string, redeem: () => Promise<RefreshOutcome>): Promise<RefreshOutcome> {
    const underWay = this.#underWay.get(key)
    if (underWay) return underWay
    const started = redeem().finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, started)
    return started
  }
}
