import type { Database as SqliteConnection, Statement } from 'better-sqlite3'
import { type Event, type EventSink, isAudited } from '../events/event.ts'
import type { Stamps } from './audit/seal.ts'
import { toAuditRow } from './audit-table.ts'
import type { Availability } from './availability.ts'
import { type Database, withSqliteConnection } from './database.ts'
import { isOutage, toStoreError } from './errors.ts'
import {
  type Decide,
  type Decision,
  type RedeemableRow,
  type Redeemer,
  redeemableColumns,
  type SessionWrite,
  toRedeemable,
} from './redeemer.ts'
import { waitForLock, writeLockOf } from './sqlite-client.ts'
import { preparedStatements, type TransactionStatements } from './sqlite-statements.ts'
import { toChangeRow } from './status-change.ts'
import { toReference } from './status-table.ts'

/** How many redemptions share a commit at most; more would hold the event loop for longer than a signature takes. */
const largestGroup = 64

interface Job {
  readonly handle: string
  readonly decide: Decide<unknown>
  readonly resolve: (outcome: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Statements {
  readonly read: Statement<[string], RedeemableRow>
  readonly rotate: Statement<[number, number, number, string | null, string | null, number, string]>
  readonly end: Statement<[number, string, string]>
  readonly audit: Statement<[number, string, string, string | null]>
  readonly revoke: Statement<[string, string | null, string]>
}

type Settled =
  | { readonly job: Job; readonly decision: Decision<unknown> }
  | { readonly job: Job; readonly error: unknown }

const statementsOf = preparedStatements(
  (connection): Statements => ({
    read: connection.prepare(
      `SELECT ${redeemableColumns} FROM sessions s
   LEFT JOIN clients c ON c.id = s.client LEFT JOIN users u ON u.id = s."user" WHERE s.handle = ?`,
    ),
    rotate: connection.prepare(
      `UPDATE sessions SET generation = ?, mac_key = ?, rotated_at = ?, retry_key = ?, attempt = ?,
   idle_expires_at = ? WHERE handle = ?`,
    ),
    end: connection.prepare('UPDATE sessions SET ended_at = ?, end_reason = ? WHERE handle = ?'),
    audit: connection.prepare('INSERT INTO audit (at, type, data, stamp) VALUES (?, ?, ?, ?)'),
    revoke: connection.prepare('INSERT INTO status_pending (kind, list, data) VALUES (?, ?, ?)'),
  }),
)

/**
 * Redeems on SQLite: those that wait at the same time share one durable commit, since the commit is most of the
 * cost, and each runs through prepared statements, since the query builder would be most of the rest.
 */
export class SqliteRedeemer implements Redeemer {
  readonly #database: Database
  readonly #availability: Availability
  readonly #sink: EventSink
  readonly #now: () => number
  readonly #stamps: Stamps
  readonly #onRevocation: () => void
  #waiting: Job[] = []
  #running = false

  constructor(
    database: Database,
    availability: Availability,
    sink: EventSink,
    now: () => number,
    stamps: Stamps,
    onRevocation: () => void,
  ) {
    this.#database = database
    this.#availability = availability
    this.#sink = sink
    this.#now = now
    this.#stamps = stamps
    this.#onRevocation = onRevocation
  }

  redeem<Outcome>(handle: string, decide: Decide<Outcome>): Promise<Outcome> {
    return new Promise<Outcome>((resolve, reject) => {
      this.#waiting.push({ handle, decide, resolve: resolve as (outcome: unknown) => void, reject })
      if (this.#running) return
      this.#running = true
      // Whatever else arrived in this turn of the event loop joins the group.
      setImmediate(() => void this.#drain())
    })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const asking = this.#waiting.length
      let group: readonly Job[] = []
      try {
        this.#database.checkPresence()
        const settled = await withSqliteConnection(this.#database.knex, async (connection) => {
          const statements = statementsOf(connection)
          await waitForLock(() => statements.begin.run(), writeLockOf(connection))
          // Whoever came while the lock was waited for joins the group.
          group = this.#waiting.splice(0, largestGroup)
          return this.#commit(connection, statements, group)
        })
        this.#availability.succeeded(this.#now())
        if (settled.some(isEnd)) this.#onRevocation()
        for (const result of settled) this.#answer(result)
      } catch (error) {
        if (isOutage(error)) this.#availability.failed()
        const reason = toStoreError(error)
        // Without the lock there is no group: all who asked for it have waited until the deadline.
        if (group.length === 0) group = this.#waiting.splice(0, asking)
        for (const job of group) job.reject(reason)
      }
    }
    this.#running = false
  }

  #commit(
    connection: SqliteConnection,
    statements: Statements & TransactionStatements,
    group: readonly Job[],
  ): readonly Settled[] {
    try {
      const now = this.#now()
      const since = this.#availability.servingSince(now)
      const settled = group.map((job) => this.#decide(statements, job, now, since))
      statements.commit.run()
      return settled
    } catch (error) {
      if (connection.inTransaction) statements.rollback.run()
      throw error
    }
  }

  #decide(statements: Statements, job: Job, now: number, since: number): Settled {
    const row = statements.read.get(job.handle)
    let decision: Decision<unknown>
    try {
      decision = job.decide(row && toRedeemable(row), now, since)
    } catch (error) {
      return { job, error }
    }
    if (decision.write) write(statements, job.handle, decision.write)
    if (row && decision.write?.kind === 'end') revoke(statements, row)
    for (const event of decision.events ?? []) audit(statements, event, now, this.#stamps)
    return { job, decision }
  }

  #answer(result: Settled): void {
    if ('error' in result) {
      result.job.reject(result.error)
      return
    }
    for (const event of result.decision.events ?? []) this.#sink(event)
    result.job.resolve(result.decision.outcome)
  }
}

function isEnd(settled: Settled): boolean {
  return 'decision' in settled && settled.decision.write?.kind === 'end'
}

function write(statements: Statements, handle: string, change: SessionWrite): void {
  if (change.kind === 'end') {
    statements.end.run(change.at, change.reason, handle)
    return
  }
  const { generation, macKey, rotatedAt, retryKey, attempt, idleExpiresAt } = change
  statements.rotate.run(generation, macKey, rotatedAt, retryKey, attempt, idleExpiresAt, handle)
}

/** The session's access tokens end with it. */
function revoke(statements: Statements, row: RedeemableRow): void {
  const place = toReference(row)
  if (!place) return
  const { kind, list, data } = toChangeRow({ kind: 'revoked', list: place.list, idx: [place.index] })
  statements.revoke.run(kind, list, data)
}

function audit(statements: Statements, event: Event, now: number, stamps: Stamps): void {
  if (!isAudited(event)) return
  const row = toAuditRow(event, now, stamps)
  statements.audit.run(row.at, row.type, row.data, row.stamp)
}
