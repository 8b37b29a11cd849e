import type { Knex } from 'knex'
import { type EventSink, isAudited } from '../events/event.ts'
import type { Stamps } from './audit/seal.ts'
import { AuditTable } from './audit-table.ts'
import type { Availability } from './availability.ts'
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

type RunTransaction = <T>(run: (trx: Knex.Transaction) => Promise<T>) => Promise<T>

/** Redeems on PostgreSQL: a transaction each, which the server groups into commits by itself. */
export class PostgresRedeemer implements Redeemer {
  readonly #transaction: RunTransaction
  readonly #availability: Availability
  readonly #sink: EventSink
  readonly #now: (query: Knex) => Promise<number>
  readonly #stamps: Stamps
  readonly #onRevocation: () => void

  constructor(
    transaction: RunTransaction,
    availability: Availability,
    sink: EventSink,
    now: (query: Knex) => Promise<number>,
    stamps: Stamps,
    onRevocation: () => void,
  ) {
    this.#transaction = transaction
    this.#availability = availability
    this.#sink = sink
    this.#now = now
    this.#stamps = stamps
    this.#onRevocation = onRevocation
  }

  async redeem<Outcome>(handle: string, decide: Decide<Outcome>): Promise<Outcome> {
    const decision = await this.#transaction((trx) => this.#run(trx, handle, decide))
    if (decision.write?.kind === 'end') this.#onRevocation()
    for (const event of decision.events ?? []) this.#sink(event)
    return decision.outcome
  }

  async #run<Outcome>(
    trx: Knex.Transaction,
    handle: string,
    decide: Decide<Outcome>,
  ): Promise<Decision<Outcome>> {
    const result = await trx.raw<{ rows: readonly RedeemableRow[] }>(
      `SELECT ${redeemableColumns} FROM sessions s
       LEFT JOIN clients c ON c.id = s.client LEFT JOIN users u ON u.id = s."user"
       WHERE s.handle = ? FOR UPDATE OF s`,
      [handle],
    )
    const row = result.rows[0]
    const now = await this.#now(trx)
    const decision = decide(row && toRedeemable(row), now, this.#availability.servingSince(now))
    if (decision.write) await trx('sessions').where({ handle }).update(toColumns(decision.write))
    for (const event of decision.events ?? []) {
      if (isAudited(event)) await new AuditTable(trx, this.#stamps).append([event], now)
    }
    const isEnd = decision.write?.kind === 'end'
    const place = isEnd && row ? toReference(row) : undefined
    if (place) await new StatusLog(trx).flag([place])
    return decision
  }
}

function toColumns(write: SessionWrite): Record<string, string | number | null> {
  if (write.kind === 'end') return { ended_at: write.at, end_reason: write.reason }
  return {
    generation: write.generation,
    mac_key: write.macKey,
    rotated_at: write.rotatedAt,
    retry_key: write.retryKey,
    attempt: write.attempt,
    idle_expires_at: write.idleExpiresAt,
  }
}
