import type PostgresDialect from 'knex/lib/dialects/postgres/index.js'
import type { PostgresConnection, PostgresQuery } from 'knex/lib/dialects/postgres/index.js'
import { isAudited } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import { sha256 } from '../lib/digests.ts'
import type { Availability } from './availability.ts'
import type { Database } from './database.ts'
import { nowColumn } from './database-time.ts'
import { UnknownCommitError } from './errors.ts'
import { retryDeadline } from './patience.ts'
import { cutConnection } from './postgres-client.ts'
import {
  type Decide,
  type Decision,
  type RedeemableRow,
  redeemableColumns,
  type SessionWrite,
  toRedeemable,
} from './redeemer.ts'

export interface PostgresGroupsOptions {
  readonly database: Database
  readonly availability: Availability
  /** Stands in for the database's clock. */
  readonly clock: Clock | undefined
}

/** How many redemptions share a transaction at most. */
const largestGroup = 64

/** How many groups are under way at most, so that those who wait meanwhile become the next one. */
const mostUnderWay = 1

/** After how long a group counts as held up and lets another one begin beside it, in milliseconds. */
const holdUp = 50

interface Job {
  readonly asked: number
  readonly handle: string
  readonly decide: Decide<unknown>
  /** Told before the commit, which may be made and not answered. */
  readonly onDecided: (decision: Decision<unknown>) => void
  readonly resolve: (decision: Decision<unknown> | undefined) => void
  readonly reject: (error: unknown) => void
}

type Rotation = Extract<SessionWrite, { readonly kind: 'rotate' }>
type Row = RedeemableRow & { readonly now: number }

/** What became of a job; `undefined` where it has to be done alone. */
type Settled = { readonly decision: Decision<unknown> | undefined } | { readonly error: unknown }

const alone: Settled = { decision: undefined }

/**
 * Redemptions that wait at the same time share a transaction: what one costs is mostly its statements, not its rows.
 * A group does only what is common. It waits for no row (who holds one may take his time, and two groups could wait
 * for each other), it writes rotations and nothing else, and it is tried once. Whatever is otherwise is done alone.
 */
export class PostgresGroups {
  readonly #options: PostgresGroupsOptions
  #waiting: Job[] = []
  #underWay = 0
  #isNaming = true

  constructor(options: PostgresGroupsOptions) {
    this.#options = options
  }

  /**
   * @param onDecided told the decision before its commit.
   * @returns the decision once it is committed; undefined, nothing having been written, where it must be made alone.
   * @throws what broke the group: a member's own error, or one of the database, such as {UnknownCommitError}.
   */
  join<Outcome>(
    handle: string,
    decide: Decide<Outcome>,
    onDecided: (decision: Decision<Outcome>) => void,
  ): Promise<Decision<Outcome> | undefined> {
    return new Promise((resolve, reject) => {
      const job = { asked: performance.now(), handle, decide, onDecided, resolve, reject }
      this.#waiting.push(job as Job)
      // Whoever else arrives in this turn of the event loop joins the group.
      if (this.#waiting.length === 1) setImmediate(() => this.#begin())
    })
  }

  #begin(): void {
    const [first] = this.#waiting
    if (!first || this.#underWay >= mostUnderWay) return
    this.#underWay++
    let isHeldUp = false
    const timer = setTimeout(() => {
      isHeldUp = true
      this.#underWay--
      this.#begin()
    }, holdUp)
    void this.#run(first.asked + retryDeadline).finally(() => {
      clearTimeout(timer)
      if (!isHeldUp) this.#underWay--
      this.#begin()
    })
  }

  async #run(until: number): Promise<void> {
    const { database } = this.#options
    const asking = this.#waiting.length
    let group: readonly Job[] = []
    try {
      if (!database.lend) throw new Error('Groups are for PostgreSQL.')
      const settled = await database.lend((connection) => {
        // Whoever came while the connection was waited for joins the group.
        group = this.#waiting.splice(0, largestGroup)
        return this.#transact(connection, group)
      }, until)
      for (const [index, job] of group.entries()) answer(job, settled[index])
    } catch (error) {
      if (group.length === 0) group = this.#waiting.splice(0, asking)
      for (const job of group) job.reject(error)
    }
  }

  async #transact(connection: PostgresConnection, group: readonly Job[]): Promise<readonly Settled[]> {
    if (group.length === 0) return []
    const { availability, clock, database } = this.#options
    const client: PostgresDialect = database.knex.client
    const say = (sql: string) => client._query(connection, { sql })
    const run = ({ name, sql }: Prepared, bindings: readonly unknown[]) =>
      client._query(connection, { sql, bindings, ...(this.#isNaming && { options: { name } }) })
    try {
      const asked = availability.steady()
      const [, found] = await inOneGo(connection, () => [
        say('BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;'),
        run(lock, [group.map(({ handle }) => handle)]),
      ])
      const read = (found?.response?.rows ?? []) as unknown as readonly Row[]
      const rows = new Map(read.map((row) => [row.handle, row]))
      const rotations = new Map<string, Rotation>()
      const settled = group.map((job) => {
        const row = rows.get(job.handle)
        if (!row) return alone
        const now = clock?.now() ?? row.now
        return settle(job, row, now, availability.servingSince(now, asked), rotations)
      })
      await inOneGo(connection, () => [
        ...(rotations.size > 0 ? [run(rotate, toColumns(rotations))] : []),
        say('COMMIT;'),
      ])
      return settled
    } catch (error) {
      await say('ROLLBACK;').catch(() => cutConnection(connection))
      if (!isOfStatement(error)) throw error
      if (isForgotten(error)) this.#isNaming = false
      return group.map(() => alone)
    }
  }
}

/** Decides on a locked row, and remembers what it wants to be written. */
function settle(
  job: Job,
  row: Row,
  now: number,
  servingSince: number,
  rotations: Map<string, Rotation>,
): Settled {
  try {
    const decision = job.decide(toRedeemable(row), now, servingSince)
    if (decision.write?.kind === 'end' || decision.events?.some(isAudited)) return alone
    if (decision.write) rotations.set(job.handle, decision.write)
    job.onDecided(decision)
    return { decision }
  } catch (error) {
    return { error }
  }
}

function answer(job: Job, settled: Settled | undefined): void {
  if (settled && 'error' in settled) job.reject(settled.error)
  else job.resolve(settled?.decision)
}

/**
 * Sends statements together, which are answered one after the other.
 * @throws the first failure once all are answered, but rather that of a commit, which says more than what broke before.
 */
async function inOneGo(
  { connection: { stream } }: PostgresConnection,
  send: () => readonly Promise<PostgresQuery>[],
): Promise<readonly (PostgresQuery | undefined)[]> {
  stream.cork()
  const sent = send()
  stream.uncork()
  const results = await Promise.allSettled(sent)
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  if (failures.length > 0) {
    throw failures.find((reason) => reason instanceof UnknownCommitError) ?? failures[0]
  }
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Whether the server refused what was said or a value in it, so that whoever said it is refused, and nobody else. */
function isOfStatement(error: unknown): boolean {
  return /^(0A|22|23|26|42)/.test(codeOf(error))
}

/**
 * Whether what was prepared by name is not what the server has by that name, if anything: a pooler has given us the
 * connection of another client, or a migration has changed the table.
 */
function isForgotten(error: unknown): boolean {
  return ['26000', '42P05', '0A000'].includes(codeOf(error))
}

interface Prepared {
  readonly name: string
  readonly sql: string
}

/** Behind a pooler a name may be another client's, so it names this statement and no other. */
function prepared(verb: string, sql: string): Prepared {
  return { name: `mintage_${verb}_${sha256(sql).slice(0, 16)}`, sql }
}

/** The time is the moment of the reading. */
const lock = prepared(
  'lock',
  `SELECT ${redeemableColumns}, ${nowColumn} FROM sessions s
  LEFT JOIN clients c ON c.id = s.client LEFT JOIN users u ON u.id = s."user"
  WHERE s.handle = ANY($1::text[]) FOR UPDATE OF s SKIP LOCKED`,
)

const rotate = prepared(
  'rotate',
  `UPDATE sessions s SET generation = n.generation, mac_key = n.mac_key, rotated_at = n.rotated_at,
    retry_key = n.retry_key, attempt = n.attempt, idle_expires_at = n.idle_expires_at
  FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])
    AS n (handle, generation, mac_key, rotated_at, retry_key, attempt, idle_expires_at)
  WHERE s.handle = n.handle`,
)

function toColumns(rotations: ReadonlyMap<string, Rotation>): readonly unknown[] {
  const writes = [...rotations.values()]
  return [
    [...rotations.keys()],
    writes.map(({ generation }) => generation),
    writes.map(({ macKey }) => macKey),
    writes.map(({ rotatedAt }) => rotatedAt),
    writes.map(({ retryKey }) => retryKey),
    writes.map(({ attempt }) => attempt),
    writes.map(({ idleExpiresAt }) => idleExpiresAt),
  ]
}
