import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { Knex } from 'knex'
import BetterSqlite3Client, { type RawQuery } from 'knex/lib/dialects/better-sqlite3/index.js'
import SqliteTransaction from 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js'
import { isBusy, StoreUnavailableError, toStoreError } from './errors.ts'
import { loadSqliteDriver } from './sqlite-driver.ts'

/** How long a statement waits for another process's lock, in milliseconds. */
const lockDeadline = 5_000

/**
 * How many pages the log may have before they are written back. Those of many sessions lie all over the file, so that
 * writing them takes tens of milliseconds, and everybody waits: SQLite's own 1,000 would let one request in forty meet it.
 */
const pagesBetweenCheckpoints = 4_000

/** How long it waits once the lock has outlasted the deadline: whoever comes then is told at once. In milliseconds. */
const knownLockDeadline = 100

/** What is known of the write lock of a database. */
export class WriteLock {
  #outlasted = false

  get patience(): number {
    return this.#outlasted ? knownLockDeadline : lockDeadline
  }

  taken(): void {
    this.#outlasted = false
  }

  outlasted(): void {
    this.#outlasted = true
  }
}

const writeLocks = new WeakMap<Database, WriteLock>()

/** What is known of it on a connection; a process has one for all that it writes. */
export function writeLockOf(connection: Database): WriteLock {
  const known = writeLocks.get(connection) ?? new WriteLock()
  writeLocks.set(connection, known)
  return known
}

/**
 * Runs `attempt`, again and again while another process holds the lock. SQLite's own busy wait would stall the
 * event loop, so it is 0 and the waiting happens here. `lock` is for what takes the write lock.
 * @throws {StoreUnavailableError} when the lock outlasts the deadline.
 */
export async function waitForLock<T>(
  attempt: () => T | Promise<T>,
  lock: WriteLock = new WriteLock(),
): Promise<T> {
  const { patience } = lock
  for (let waited = 0; ; ) {
    try {
      const result = await attempt()
      lock.taken()
      return result
    } catch (error) {
      if (!isBusy(error)) throw toStoreError(error)
      if (waited >= patience) {
        lock.outlasted()
        throw toStoreError(error)
      }
      const pause = 1 + Math.random() * Math.min(20, 2 + waited / 4)
      waited += pause
      await delay(pause)
    }
  }
}

/**
 * knex's dialect, except that transactions begin immediate (a deferred one that reads before it writes fails with
 * `SQLITE_BUSY_SNAPSHOT` beside another process) and that waiting for a lock is asynchronous.
 */
export class SqliteClient extends BetterSqlite3Client {
  override _driver(): unknown {
    return loadSqliteDriver()
  }

  override async acquireRawConnection(): Promise<Database> {
    const connection = await super.acquireRawConnection()
    connection.pragma('busy_timeout = 0')
    await this.prepareConnection(connection)
    return connection
  }

  protected async prepareConnection(connection: Database): Promise<void> {
    await waitForLock(() => connection.pragma('journal_mode = WAL'))
    connection.pragma('synchronous = FULL')
    connection.pragma(`wal_autocheckpoint = ${pagesBetweenCheckpoints}`)
    connection.pragma('foreign_keys = ON')
  }

  /** @throws {StoreUnavailableError} when those before it have waited for a lock for too long. */
  override async acquireConnection(): Promise<Database> {
    try {
      return await super.acquireConnection()
    } catch (error) {
      throw toStoreError(error)
    }
  }

  override async _query(connection: Database, query: RawQuery): Promise<RawQuery> {
    // A full disk has rolled it back already, and the failure to do it twice would hide why.
    if (!connection.inTransaction && /^ROLLBACK\b/i.test(query.sql)) return query
    const run = () => super._query(connection, query)
    if (!connection.inTransaction) {
      // A read succeeds beside the lock, and says nothing of it.
      return waitForLock(run, query.sql.startsWith('BEGIN') ? writeLockOf(connection) : undefined)
    }
    try {
      return await run()
    } catch (error) {
      throw toStoreError(error)
    }
  }

  /** knex writes the statement in front of an error's words; those meant for the operator stay as they were. */
  override async query(connection: Database, query: unknown): Promise<unknown> {
    try {
      return await super.query(connection, query)
    } catch (error) {
      throw error instanceof StoreUnavailableError ? toStoreError(error.cause) : error
    }
  }

  override transaction(...rest: readonly unknown[]): Knex.Transaction {
    return new ImmediateTransaction(this, ...rest) as unknown as Knex.Transaction
  }
}

class ImmediateTransaction extends SqliteTransaction {
  override begin(connection: Database): Promise<unknown> {
    return this.query(connection, 'BEGIN IMMEDIATE;')
  }
}
