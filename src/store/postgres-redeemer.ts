import type { Knex } from 'knex'
import { type Event, type EventSink, isAudited } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import type { Attempts } from './attempts.ts'
import type { Stamps } from './audit/seal.ts'
import { AuditTable } from './audit-table.ts'
import type { Availability } from './availability.ts'
import type { Database } from './database.ts'
import { nowColumn, readNow } from './database-time.ts'
import { StoreBusyError } from './errors.ts'
import { retryDeadline } from './patience.ts'
import { PostgresGroups } from './postgres-groups.ts'
import {
  type Decide,
  type Decision,
  type RedeemableRow,
  type Redeemer,
  redeemableColumns,
  type SessionWrite,
  toRedeemable,
} from './redeemer.ts'
import { StatusLog } from './status-log.ts'
import { toReference } from './status-table.ts'

export interface PostgresRedeemerOptions {
  readonly database: Database
  readonly attempts: Attempts
  readonly availability: Availability
  readonly sink: EventSink
  /** Stands in for the database's clock. */
  readonly clock: Clock | undefined
  readonly stamps: Stamps
  readonly onRevocation: () => void
}

/**
 * Redeems on PostgreSQL: together with those that wait at the same time, and where that does not do, in a transaction
 * of its own, as often as it takes.
 */
export class PostgresRedeemer implements Redeemer {
  readonly #options: PostgresRedeemerOptions
  readonly #groups: PostgresGroups | undefined
  readonly #lines = new Map<string, Promise<unknown>>()

  constructor(options: PostgresRedeemerOptions) {
    this.#options = options
    // Where every transaction is serializable, many in one would lose for each other.
    if (options.database.isolation === undefined) this.#groups = new PostgresGroups(options)
  }

  /** Those of one session wait for each other here, where waiting costs no connection. */
  async redeem<Outcome>(handle: string, decide: Decide<Outcome>): Promise<Outcome> {
    const asked = performance.now()
    const redeem = async () => {
      if (performance.now() - asked < retryDeadline) return this.#redeem(handle, decide)
      throw new StoreBusyError('Too many wait for the same session.')
    }
    const last = this.#lines.get(handle)
    const mine = last === undefined ? redeem() : last.then(redeem, redeem)
    this.#lines.set(handle, mine)
    try {
      return await mine
    } finally {
      if (this.#lines.get(handle) === mine) this.#lines.delete(handle)
    }
  }

  async #redeem<Outcome>(handle: string, decide: Decide<Outcome>): Promise<Outcome> {
    const { attempts, sink, onRevocation } = this.#options
    const groups = this.#groups
    /** What was decided in commits of which nobody knows whether they were made. */
    const doubtful: Decision<Outcome>[] = []
    let before: Decision<Outcome> | undefined
    const decision = await attempts.run(
      async (trx, mayBeCommitted) => {
        if (mayBeCommitted && before) doubtful.push(before)
        before = undefined
        before = await this.#run(trx, handle, decide, doubtful)
        return before
      },
      {
        isolation: 'read committed',
        repeatable: true,
        ...(groups && {
          together: () =>
            groups.join(handle, decide, (decided) => {
              before = decided
            }),
        }),
      },
    )
    if (decision.write?.kind === 'end') onRevocation()
    for (const event of decision.events ?? []) sink(event)
    return decision.outcome
  }

  async #run<Outcome>(
    trx: Knex.Transaction,
    handle: string,
    decide: Decide<Outcome>,
    doubtful: readonly Decision<Outcome>[],
  ): Promise<Decision<Outcome>> {
    const { availability, clock, stamps } = this.#options
    const asked = availability.steady()
    const result = await trx.raw<{ rows: readonly (RedeemableRow & { now: number })[] }>(lockAndRead, [
      handle,
    ])
    const row = result.rows[0]
    const now = clock?.now() ?? row?.now ?? (await readNow(trx))
    const made = doubtful.find(({ write }) => row && write && isMadeBy(write, row))
    if (made?.write?.kind === 'end') return made
    const decision = decide(row && toRedeemable(row), now, availability.servingSince(now, asked))
    if (decision.write?.kind === 'end' && doubtful.some(({ write }) => write?.kind === 'rotate')) {
      // The first commit was made, and its successor came from another node and was redeemed since: that is no theft.
      throw new StoreBusyError('The session went on while its redemption was repeated.')
    }
    if (decision.write) await write(trx, handle, decision.write)
    await new AuditTable(trx, stamps).append((decision.events ?? []).filter(isAudited), now)
    const place = decision.write?.kind === 'end' && row ? toReference(row) : undefined
    if (place) await new StatusLog(trx).flag([place])
    return made && !decision.write ? { ...decision, events: joinEvents(made, decision) } : decision
  }
}

/** The time is the moment of the reading: where the row was waited for and has changed, it is read again. */
const lockAndRead = `SELECT ${redeemableColumns}, ${nowColumn} FROM sessions s
  LEFT JOIN clients c ON c.id = s.client LEFT JOIN users u ON u.id = s."user"
  WHERE s.handle = ? FOR UPDATE OF s`

function isMadeBy(made: SessionWrite, row: RedeemableRow): boolean {
  if (made.kind === 'end') return row.ended_at === made.at && row.end_reason === made.reason
  return made.attempt !== null && row.attempt === made.attempt && row.generation === made.generation
}

/** What the write told is told now; that the repetition found it is not a second refresh. */
function joinEvents(made: Decision<unknown>, repeated: Decision<unknown>): readonly Event[] {
  const others = (repeated.events ?? []).filter(({ type }) => type !== 'session.refreshed')
  return [...(made.events ?? []), ...others]
}

/** As text, since the query builder costs more than the statement. */
async function write(trx: Knex.Transaction, handle: string, change: SessionWrite): Promise<void> {
  if (change.kind === 'end') {
    await trx.raw('UPDATE sessions SET ended_at = ?, end_reason = ? WHERE handle = ?', [
      change.at,
      change.reason,
      handle,
    ])
    return
  }
  const { generation, macKey, rotatedAt, retryKey, attempt, idleExpiresAt } = change
  await trx.raw(
    `UPDATE sessions SET generation = ?, mac_key = ?, rotated_at = ?, retry_key = ?, attempt = ?,
     idle_expires_at = ? WHERE handle = ?`,
    [generation, macKey, rotatedAt, retryKey, attempt, idleExpiresAt, handle],
  )
}
