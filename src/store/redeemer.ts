import type { Event, SessionEnd } from '../events/event.ts'
import type { JsonObject } from '../protocol/claims.ts'
import { type SessionRecord, type SessionRow, toSessionRecord } from './session-table.ts'

/** A locked session, and what else decides about it. */
export interface Redeemable {
  readonly session: SessionRecord
  /** Undefined when it was deleted. */
  readonly client: { readonly disabled: boolean } | undefined
  /** Undefined when it was deleted. */
  readonly user:
    | {
        readonly disabled: boolean
        readonly username: string
        readonly email: string | null
        readonly claims: JsonObject
      }
    | undefined
}

/** What a decision may do to the session. */
export type SessionWrite =
  | {
      readonly kind: 'rotate'
      readonly generation: number
      readonly macKey: number
      readonly rotatedAt: number
      readonly retryKey: string | null
      readonly attempt: string | null
      readonly idleExpiresAt: number
    }
  | { readonly kind: 'end'; readonly reason: SessionEnd; readonly at: number }

export interface Decision<Outcome> {
  readonly outcome: Outcome
  readonly write?: SessionWrite
  readonly events?: readonly Event[]
}

/**
 * Judges a locked session: pure and synchronous, for it may run again when the transaction has to.
 * `now` is the database's time; `servingSince`, the moment from which this node can answer.
 */
export type Decide<Outcome> = (
  redeemable: Redeemable | undefined,
  now: number,
  servingSince: number,
) => Decision<Outcome>

/** The one way to redeem: lock and read the row, decide, write, commit durably, and only then answer. */
export interface Redeemer {
  /** @throws {StoreUnavailableError} when the commit could not be made; whether it was is then unknown. */
  redeem<Outcome>(handle: string, decide: Decide<Outcome>): Promise<Outcome>
}

export interface RedeemableRow extends SessionRow {
  client_found: string | null
  client_disabled_at: number | null
  user_found: string | null
  user_disabled_at: number | null
  user_username: string
  user_email: string | null
  user_claims: string | null
}

export const redeemableColumns = `s.*,
  c.id AS client_found, c.disabled_at AS client_disabled_at,
  u.id AS user_found, u.disabled_at AS user_disabled_at, u.claims AS user_claims,
  u.username AS user_username, u.email AS user_email`

export function toRedeemable(row: RedeemableRow): Redeemable {
  return {
    session: toSessionRecord(row),
    client: row.client_found === null ? undefined : { disabled: row.client_disabled_at !== null },
    user:
      row.user_found === null
        ? undefined
        : {
            disabled: row.user_disabled_at !== null,
            username: row.user_username,
            email: row.user_email,
            claims: JSON.parse(row.user_claims ?? '{}'),
          },
  }
}
