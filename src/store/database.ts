import { closeSync, existsSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Database as SqliteConnection } from 'better-sqlite3'
import knexModule, { type Knex } from 'knex'
import type { PostgresConnection } from 'knex/lib/dialects/postgres/index.js'
import { StoreUnavailableError } from './errors.ts'
import { readPostgresAddress } from './postgres-address.ts'
import { CockroachClient, cutConnection, PostgresClient, type PostgresHealth } from './postgres-client.ts'
import { SqliteClient } from './sqlite-client.ts'

export type Engine = 'sqlite' | 'postgres'

/** An open database: knex, which engine it speaks to, and where it is, without a password. */
export interface Database {
  readonly location: string
  /** Whether the file was made just now. */
  readonly isNew: boolean
  /**
   * SQLite goes on writing to a file that was deleted or replaced, and all of it is lost with the process.
   * @throws {StoreUnavailableError} when the file is not the one that was opened.
   */
  checkPresence(): void
  readonly knex: Knex
  readonly engine: Engine
  /** The one level that every transaction has here; otherwise each says its own. */
  readonly isolation?: Isolation
  /** Whether it wakes whoever listens for changes. */
  readonly canNotify: boolean
  /**
   * Lends a connection to PostgreSQL for statements that knex's transactions are too slow for, until `until`
   * (milliseconds of the monotonic clock), when it is broken off.
   */
  lend?<T>(use: (connection: PostgresConnection) => Promise<T>, until: number): Promise<T>
  /** Runs one transaction, which is broken off at `until` (milliseconds of the monotonic clock) where one waits for it. */
  transact<T>(
    work: (trx: Knex.Transaction) => Promise<T>,
    isolation: Isolation | undefined,
    until: number,
  ): Promise<T>
}

export type Isolation = 'read committed' | 'serializable'

export interface DatabaseOptions {
  /** Whether a SQLite file that is not there is an error, and not made. */
  readonly mustExist?: boolean
  /** How many connections to PostgreSQL there are at most. */
  readonly pool?: number
  /** Whether statements may take their time: commands and migrations, for which no request waits. */
  readonly isPatient?: boolean
  /** Whether a server will do that takes no writes, for whoever only looks. */
  readonly mayStandBy?: boolean
  /** The one level that every transaction on PostgreSQL is to have, as on a database that knows no other. */
  readonly isolation?: 'serializable'
}

/** One embedded connection, borrowed from the pool, for the statements that knex's builder is too slow for. */
export async function withSqliteConnection<T>(
  knex: Knex,
  use: (connection: SqliteConnection) => T | Promise<T>,
): Promise<T> {
  const connection: SqliteConnection = await knex.client.acquireConnection()
  try {
    return await use(connection)
  } finally {
    await knex.client.releaseConnection(connection)
  }
}

/** knex tells on the console what it throws as well; who catches it says so in its own words. */
const silence = {
  warn: () => undefined,
  error: () => undefined,
  deprecate: () => undefined,
  debug: () => undefined,
}

/**
 * Opens `sqlite:PATH`, `postgres://…` or `cockroachdb://…`. A SQLite file is created with mode 0600, its folder
 * with 0700; PostgreSQL is connected to when it is first used.
 * @throws {StoreUnavailableError} when the file cannot be made or opened, or the URL cannot be obeyed.
 */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  if (url.startsWith('sqlite:')) {
    return openSqlite(resolve(url.slice('sqlite:'.length)), options.mustExist ?? false)
  }
  if (isPostgres(url)) return openPostgres(url, options)
  throw new StoreUnavailableError('A database URL is sqlite:PATH, postgres://… or cockroachdb://….')
}

function isPostgres(url: string): boolean {
  return /^(postgres(ql)?|cockroachdb):/.test(url)
}

function openSqlite(filename: string, mustExist: boolean): Database {
  const isNew = !existsSync(filename)
  if (isNew && mustExist) {
    throw new StoreUnavailableError(
      `There is no database at ${filename}: make MINTAGE_DATABASE_URL name the one that is meant, or make a new one with mintage migrate.`,
    )
  }
  let opened: number
  try {
    mkdirSync(dirname(filename), { recursive: true, mode: 0o700 })
    const file = openSync(filename, 'a', 0o600)
    opened = fstatSync(file).ino
    closeSync(file)
  } catch (error) {
    throw new StoreUnavailableError(
      `The database file ${filename} cannot be opened for writing (${error instanceof Error ? error.message : error}): make MINTAGE_DATABASE_URL name a file that this user may write.`,
      { cause: error },
    )
  }
  // One connection: SQLite has one writer anyway, and a process that never waits for itself needs no retries.
  const knex = knexModule({
    client: SqliteClient as unknown as typeof Knex.Client,
    connection: { filename },
    useNullAsDefault: true,
    // Without the values: an error is logged, and a value may be a digest.
    compileSqlOnError: false,
    log: silence,
    pool: { min: 1, max: 1, idleTimeoutMillis: 2_147_483_647 },
    acquireConnectionTimeout: 10_000,
  })
  const checkPresence = () => {
    if (statSync(filename, { throwIfNoEntry: false })?.ino === opened) return
    throw new StoreUnavailableError(
      `The database file ${filename} was deleted or replaced while it was open: put it back, or restart Mintage.`,
    )
  }
  return {
    knex,
    engine: 'sqlite',
    canNotify: false,
    location: filename,
    isNew,
    checkPresence,
    // One writer at a time: what it has read is still so at its end.
    transact: (work) => knex.transaction(work),
  }
}

/** What a transaction has at least, once it has a connection, in milliseconds. */
const leastTime = 1_000

/** How many connections a process has at most where nothing else is said. */
const defaultPool = 10

/** How long a connection is waited for, to be made and to become free, in milliseconds. */
const connectLimit = 3_000

/** How long a connection is silent before the system asks whether the other end is there, in milliseconds. */
const keepAlive = 10_000

/** How long a statement may take that somebody waits for, in milliseconds. */
const statementLimit = 5_000

/** The same where nobody waits for it but who gave a command, or a migration. */
const patientLimit = 600_000

/** How long a statement waits for a row that another transaction has, in milliseconds. */
const lockLimit = 4_000
const patientLockLimit = 60_000

/** @throws {StoreUnavailableError} when none comes about though the pool has room: that is the server, and no crowd. */
async function acquire(knex: Knex): Promise<PostgresConnection> {
  try {
    return await knex.client.acquireConnection()
  } catch (error) {
    const pool: { readonly max: number; numUsed(): number } = knex.client.pool
    const isCrowd = pool.numUsed() >= pool.max
    if (isCrowd || !(error instanceof Error && error.name === 'KnexTimeoutError')) throw error
    throw new StoreUnavailableError(
      'The database server cannot be reached or takes no work: see that it runs.',
    )
  }
}

function openPostgres(url: string, options: DatabaseOptions): Database {
  const { pool, isPatient = false, mayStandBy = false, isolation } = options
  const { dialect, connectionString, ssl, location } = readPostgresAddress(url)
  const onlyLevel = dialect === 'cockroachdb' ? 'serializable' : isolation
  const health: PostgresHealth = {
    statementLimit: isPatient ? patientLimit : statementLimit,
    lockLimit: isPatient ? patientLockLimit : lockLimit,
    mayStandBy,
    suspectSince: 0,
  }
  const knex = knexModule({
    client: (dialect === 'postgres' ? PostgresClient : CockroachClient) as unknown as typeof Knex.Client,
    compileSqlOnError: false,
    log: silence,
    health,
    connection: {
      application_name: 'mintage',
      connectionString,
      ssl,
      connectionTimeoutMillis: connectLimit,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAlive,
      // What is asked at once is sent at once, and answered in that order.
      pipeline: true,
    },
    pool: { min: 0, max: pool ?? defaultPool, createTimeoutMillis: 2 * connectLimit + statementLimit },
    acquireConnectionTimeout: connectLimit,
  } as Knex.Config)
  const lend = async <T>(use: (connection: PostgresConnection) => Promise<T>, until: number) => {
    const connection = await acquire(knex)
    // A statement has a limit of its own; this one is for many that are slow together.
    const left = Math.max(leastTime, until - performance.now())
    const timer = isPatient ? undefined : setTimeout(() => cutConnection(connection), left)
    try {
      return await use(connection)
    } finally {
      clearTimeout(timer)
      await knex.client.releaseConnection(connection)
    }
  }
  return {
    knex,
    engine: 'postgres',
    ...(onlyLevel && { isolation: onlyLevel }),
    canNotify: dialect === 'postgres',
    location,
    isNew: false,
    checkPresence: () => undefined,
    lend,
    transact: (work, isolationLevel, until) =>
      lend(
        (connection) => knex.transaction(work, { connection, ...(isolationLevel && { isolationLevel }) }),
        until,
      ),
  }
}
