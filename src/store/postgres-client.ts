import { setTimeout as delay } from 'node:timers/promises'
import type { Knex } from 'knex'
import CockroachDialect from 'knex/lib/dialects/cockroachdb/index.js'
import PostgresDialect, {
  type PostgresConnection,
  type PostgresQuery,
} from 'knex/lib/dialects/postgres/index.js'
import Runner from 'knex/lib/execution/runner.js'
import { isConflict, isLost, toStoreError, UnknownCommitError } from './errors.ts'
import { pauseBefore, retryDeadline } from './patience.ts'

/** What one pool knows of its server, and how long it waits; times are milliseconds of the monotonic clock. */
export interface PostgresHealth {
  /** Statements that run longer are given up by the server, and by the client where it does not. */
  readonly statementLimit: number
  /** How long the server lets a statement wait for a row that another transaction has. */
  readonly lockLimit: number
  readonly mayStandBy: boolean
  /** What has not answered since then may be connected to a server that is gone. */
  suspectSince: number
}

/** How long the server may take for the settings of a session, in milliseconds. */
const prepareLimit = 3_000

/** How long a transaction may lie idle, whose process is gone or stuck, before the server ends it, in milliseconds. */
const idleLimit = 10_000

/** How much longer than the server the client waits for an answer, in milliseconds. */
const answerGrace = 500

/** How long the server is given to say goodbye, in milliseconds. */
const farewell = 1_000

/** One connection, as far as it has shown to work. */
interface Wire {
  readonly health: PostgresHealth
  answeredAt: number
  isBroken: boolean
}

const wires = new WeakMap<PostgresConnection, Wire>()

const bigint = 20

/** Breaks a connection off: whatever waits for it fails at once, and the server rolls back what is not committed. */
export function cutConnection(connection: PostgresConnection): void {
  const wire = wires.get(connection)
  if (wire) wire.isBroken = true
  const reason = new Error('The database server did not answer in time.')
  connection.connection.stream.destroy(Object.assign(reason, { code: 'ETIMEDOUT' }))
}

/** The settings of a session; a standby is refused, for what it shows may be old. */
async function prepare(connection: PostgresConnection, health: PostgresHealth): Promise<void> {
  const { statementLimit, lockLimit, mayStandBy } = health
  // Times and counters: all of them are exact in a number, which the driver does not know.
  connection.setTypeParser(bigint, Number)
  // Each transaction says itself what it needs; a single statement is atomic, and counting must not lose to others.
  const results = await connection.query(
    `SET statement_timeout = ${statementLimit}; SET lock_timeout = ${lockLimit};
     SET idle_in_transaction_session_timeout = ${idleLimit};
     SET default_transaction_isolation = 'read committed'; SHOW transaction_read_only`,
  )
  const row = [results].flat().at(-1)?.rows[0]
  if (mayStandBy || row?.['transaction_read_only'] !== 'on') return
  throw Object.assign(new Error('The database server is a standby or read-only.'), { code: '25006' })
}

/**
 * knex's dialect, except that nothing waits for a server that is gone, that a connection which may be broken is not
 * used again, that a commit without an answer is told apart from one that failed, and that single statements are
 * repeated where that is safe.
 */
function harden(Dialect: typeof PostgresDialect): typeof PostgresDialect {
  return class extends Dialect {
    override async acquireRawConnection(): Promise<PostgresConnection> {
      const health = (this.config as Knex.Config & { readonly health: PostgresHealth }).health
      const connection = await this._acquireOnlyConnection()
      const wire = { health, answeredAt: performance.now(), isBroken: false }
      wires.set(connection, wire)
      const timer = setTimeout(() => cutConnection(connection), prepareLimit)
      try {
        await prepare(connection, health)
        return connection
      } catch (error) {
        await this.destroyRawConnection(connection)
        throw error
      } finally {
        clearTimeout(timer)
      }
    }

    override validateConnection(connection: PostgresConnection): boolean {
      const wire = wires.get(connection)
      return wire !== undefined && !wire.isBroken && wire.answeredAt > wire.health.suspectSince
    }

    override async destroyRawConnection(connection: PostgresConnection): Promise<void> {
      const timer = setTimeout(() => cutConnection(connection), farewell)
      try {
        await connection.end()
      } finally {
        clearTimeout(timer)
      }
    }

    override async _query(connection: PostgresConnection, query: PostgresQuery): Promise<PostgresQuery> {
      const wire = wires.get(connection)
      if (!wire) throw new Error('A connection that this client did not make.')
      // The server has rolled back already, and the failure to do it twice would hide why.
      if (wire.isBroken && /^ROLLBACK\b/.test(query.sql)) return query
      const isCommit = query.sql === 'COMMIT;'
      const asked = performance.now()
      const timer = setTimeout(() => cutConnection(connection), wire.health.statementLimit + answerGrace)
      try {
        const answered = await super._query(connection, query)
        wire.answeredAt = performance.now()
        // PostgreSQL ends a transaction that failed in the middle so, and says it in this word only.
        if (isCommit && answered.response?.command === 'ROLLBACK') {
          throw new Error('The transaction was rolled back at its commit: a statement in it had failed.')
        }
        return answered
      } catch (error) {
        if (!isLost(error)) throw error
        wire.isBroken = true
        wire.health.suspectSince = Math.max(wire.health.suspectSince, asked)
        throw isCommit ? new UnknownCommitError({ cause: error }) : error
      } finally {
        clearTimeout(timer)
      }
    }

    override runner(builder: unknown): unknown {
      return new RepeatingRunner(this, builder)
    }
  }
}

/** Runs a statement that is no part of a transaction, again where it lost or its connection did. */
class RepeatingRunner extends Runner {
  override async run(): Promise<unknown> {
    if (this.client.transacting || this.builder._connection !== undefined) return super.run()
    const began = performance.now()
    for (let attempt = 1; ; attempt++) {
      try {
        return await super.run()
      } catch (error) {
        const pause = pauseBefore(attempt, error)
        const isSafe = isConflict(error) || (isLost(error) && this.#onlyReads)
        if (!isSafe || performance.now() - began + pause > retryDeadline) throw toStoreError(error)
        await delay(pause)
        this.connection = undefined
      }
    }
  }

  get #onlyReads(): boolean {
    const { _method: method, sql } = this.builder
    if (typeof sql === 'string') return /^\s*SELECT\b(?!.*\bpg_notify\b)/is.test(sql)
    return method === 'select' || method === 'first' || method === 'pluck'
  }
}

export const PostgresClient = harden(PostgresDialect)
export const CockroachClient = harden(CockroachDialect)
