import type { Event, SessionEnd } from '../events/event.ts'
import { isWithin, splitScope } from '../protocol/scopes.ts'
import type { Decision, Redeemable } from '../store/redeemer.ts'
import type { SessionRecord } from '../store/session-table.ts'
import type { StatusReference } from '../store/status-change.ts'

/** An authentic refresh token and the request that it came with. */
export interface Presentation {
  /** Undefined: whichever the session has, for a presentation that is bound to the session by other means. */
  readonly generation: number | undefined
  readonly counting: Counting
  /** Where the access token that was shown in place of a refresh token has its status; undefined where none was. */
  readonly place?: StatusReference | undefined
  /** The id and the `client_id` of the client that was authenticated. */
  readonly client: string
  readonly clientId: string
  /** The digest of the request's `Idempotency-Key`; null without one. */
  readonly retryKey: string | null
  /** Names this attempt of the issuer, the same when the issuer itself repeats it. */
  readonly attempt: string
  /** Undefined: the session's. */
  readonly scopes: readonly string[] | undefined
  /** Undefined: the session's. */
  readonly resource: string | undefined
  /** The audiences that are open to the client now, each with the scopes it may have there. */
  readonly open: Pick<ReadonlyMap<string, readonly string[]>, 'get'>
}

/**
 * How often a refresh token counts. `once`: the table of the design. `until_expiry`: earlier generations go on being
 * answered, with the current one, while the session lives. `always`: the session's generation does not move. The
 * last two give up noticing theft, and are for clients that were written so.
 */
export type Counting = 'once' | 'until_expiry' | 'always'

/** What the rules are measured by. Times are milliseconds since the epoch, lives are milliseconds. */
export interface RefreshRules {
  readonly now: number
  /** From when this node could answer at all. */
  readonly servingSince: number
  readonly retryWindow: number
  readonly idleTtl: number
  /** The id of the MAC key of a new generation. */
  readonly macKey: number
}

export type RefusalReason =
  | 'unknown'
  | 'foreign_client'
  | 'ended'
  | 'expired'
  | 'disabled'
  | 'audience_closed'
  | 'scope'
  | 'resource'
  | 'retry_key'
  | 'reused'

export type RefreshOutcome =
  | {
      readonly kind: 'refreshed'
      /** As it is after the refresh. */
      readonly session: SessionRecord
      readonly scopes: readonly string[]
      readonly user: SessionUser
    }
  | {
      readonly kind: 'refused'
      readonly reason: RefusalReason
      /** Why the session has ended, if it has. */
      readonly endReason?: SessionEnd | null
    }

/** What tokens may say of a session's user, as it is now. */
export type SessionUser = Pick<NonNullable<Redeemable['user']>, 'username' | 'email' | 'claims'>

/**
 * The refresh rules (design, "Refresh tokens"; RFC 9700 §4.14.2), as a pure function of the locked session, what was
 * presented, and the time. A retry yields the generation that is current already, whose token string is then the
 * same as before; only a rotation steps it.
 */
export function decideRefresh(
  redeemable: Redeemable | undefined,
  presented: Presentation,
  rules: RefreshRules,
): Decision<RefreshOutcome> {
  if (!redeemable) return refuse('unknown')
  const { session, client, user } = redeemable
  if (session.client !== presented.client) {
    return refuse('foreign_client', {
      type: 'session.foreign_client',
      sid: session.sid,
      client: session.client,
      presentedBy: presented.clientId,
    })
  }
  if (session.endedAt !== null) {
    return { outcome: { kind: 'refused', reason: 'ended', endReason: session.endReason } }
  }
  // The session lives on another place, since the token was revoked by itself.
  if (presented.place && !isPlace(session.status, presented.place)) return refuse('ended')
  if (rules.now >= session.idleExpiresAt || rules.now >= session.expiresAt) return refuse('expired')
  if (!client || client.disabled || !user || user.disabled) return refuse('disabled')

  if (presented.resource !== undefined && presented.resource !== session.audience) return refuse('resource')
  const open = presented.open.get(session.audience)
  if (!open) return refuse('audience_closed')
  const granted = splitScope(session.scope).filter((scope) => open.includes(scope))
  if (!isWithin(presented.scopes ?? [], granted)) return refuse('scope')
  const scopes = presented.scopes ?? granted

  const answer = {
    session,
    scopes,
    user: { username: user.username, email: user.email, claims: user.claims },
  }
  const { generation = session.generation, counting } = presented
  if (generation >= session.generation) {
    return counting === 'always'
      ? keep(answer, generation, presented, rules)
      : rotate(answer, generation, presented, rules)
  }
  if (counting === 'until_expiry') return retry(answer, presented)
  if (generation === session.generation - 1) {
    const sameAttempt = session.attempt === presented.attempt
    const sameKey = session.retryKey !== null && session.retryKey === presented.retryKey
    const inWindow = isWithinRetryWindow(session, rules)
    if (sameAttempt || sameKey || (session.retryKey === null && inWindow)) {
      return retry(answer, presented)
    }
    if (inWindow) return refuse('retry_key')
  }
  return {
    outcome: { kind: 'refused', reason: 'reused' },
    write: { kind: 'end', reason: 'reuse', at: rules.now },
    events: [
      {
        type: 'session.reused',
        sid: session.sid,
        client: presented.clientId,
        presented: generation,
        generation: session.generation,
      },
    ],
  }
}

/** Whether a lost answer may still be asked for again. A clock that went back counts as no time at all. */
function isWithinRetryWindow(session: SessionRecord, rules: RefreshRules): boolean {
  const elapsed = rules.now - Math.max(session.rotatedAt, rules.servingSince)
  return Math.max(0, elapsed) < rules.retryWindow
}

type Answer = Omit<Extract<RefreshOutcome, { kind: 'refreshed' }>, 'kind'>

function retry(answer: Answer, { clientId }: Presentation): Decision<RefreshOutcome> {
  return {
    outcome: { kind: 'refreshed', ...answer },
    events: [refreshed(answer.session, clientId, 'retried')],
  }
}

/** Neither generation nor idle life moves, but for an authentic token that the row does not know of yet. */
function keep(
  answer: Answer,
  generation: number,
  { clientId }: Presentation,
  rules: RefreshRules,
): Decision<RefreshOutcome> {
  const { session } = answer
  if (generation === session.generation) {
    return {
      outcome: { kind: 'refreshed', ...answer },
      events: [refreshed(session, clientId, 'kept')],
    }
  }
  const adopted = { ...session, generation, macKey: rules.macKey, retryKey: null, attempt: null }
  const { macKey, rotatedAt, retryKey, attempt, idleExpiresAt } = adopted
  return {
    outcome: { kind: 'refreshed', ...answer, session: adopted },
    write: { kind: 'rotate', generation, macKey, rotatedAt, retryKey, attempt, idleExpiresAt },
    events: [adoption(session, clientId, generation), refreshed(adopted, clientId, 'kept')],
  }
}

function rotate(
  answer: Answer,
  generation: number,
  presented: Presentation,
  rules: RefreshRules,
): Decision<RefreshOutcome> {
  const { session } = answer
  const rotated = {
    generation: generation + 1,
    macKey: rules.macKey,
    rotatedAt: rules.now,
    retryKey: presented.retryKey,
    attempt: presented.attempt,
    idleExpiresAt: rules.now + rules.idleTtl,
  }
  const after: SessionRecord = { ...session, ...rotated }
  // Authentic and ahead of the row: the database lost commits, and the token's word is the newer one.
  const adopted = generation > session.generation ? [adoption(session, presented.clientId, generation)] : []
  return {
    outcome: { kind: 'refreshed', ...answer, session: after },
    write: { kind: 'rotate', ...rotated },
    events: [...adopted, refreshed(after, presented.clientId, 'rotated')],
  }
}

function adoption({ sid, generation }: SessionRecord, client: string, to: number): Event {
  return { type: 'session.adopted', sid, client, from: generation, to }
}

function refreshed(session: SessionRecord, client: string, outcome: 'rotated' | 'retried' | 'kept'): Event {
  return { type: 'session.refreshed', sid: session.sid, client, generation: session.generation, outcome }
}

function refuse(reason: RefusalReason, ...events: readonly Event[]): Decision<RefreshOutcome> {
  return { outcome: { kind: 'refused', reason }, events }
}

function isPlace(place: StatusReference | undefined, other: StatusReference): boolean {
  return place?.list === other.list && place.index === other.index
}
