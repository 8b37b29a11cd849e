import { closeSync, existsSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Database as SqliteConnection } from 'better-sqlite3'
import knexModule, { type Knex } from 'knex'
import { StoreUnavailableError } from './errors.ts'
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
 * Opens `sqlite:PATH` or `postgres://…`. A SQLite file is created with mode 0600, its folder with 0700.
 * @param mustExist whether a SQLite file that is not there is an error, and not made.
 * @throws {StoreUnavailableError} when the file cannot be made or opened.
 */
export function openDatabase(url: string, mustExist = false): Database {
  if (url.startsWith('sqlite:')) return openSqlite(resolve(url.slice('sqlite:'.length)), mustExist)
  if (/^postgres(ql)?:/.test(url)) return openPostgres(url)
  throw new StoreUnavailableError('A database URL is sqlite:PATH or postgres://….')
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
  return { knex, engine: 'sqlite', location: filename, isNew, checkPresence }
}

/** How long a statement waits for a row that another transaction has, in milliseconds. */
const lockDeadline = 5_000

/** What is needed of a connection of the driver. */
export interface PostgresConnection {
  setTypeParser(type: number, parse: (text: string) => number): void
  query(text: string, done: (error: Error | null) => void): void
}

const bigint = 20

/** Times and counters: all of them are exact in a number, which the driver does not know. */
export function readNumbers(connection: PostgresConnection): void {
  connection.setTypeParser(bigint, Number)
}

function openPostgres(url: string): Database {
  const knex = knexModule({
    client: 'pg',
    compileSqlOnError: false,
    log: silence,
    connection: { connectionString: url, connectionTimeoutMillis: lockDeadline },
    pool: {
      min: 0,
      max: 10,
      afterCreate(
        connection: PostgresConnection,
        done: (error: Error | null, connection: PostgresConnection) => void,
      ) {
        readNumbers(connection)
        connection.query(`SET lock_timeout = ${lockDeadline}`, (error) => done(error, connection))
      },
    },
    acquireConnectionTimeout: 10_000,
  })
  return { knex, engine: 'postgres', location: 'PostgreSQL', isNew: false, checkPresence: () => undefined }
}
