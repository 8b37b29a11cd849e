import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Database as SqliteConnection } from 'better-sqlite3'
import knexModule, { type Knex } from 'knex'
import { migrations } from '../../migrations/index.ts'
import { openDatabase } from './database.ts'
import { StoreUnavailableError, toStoreError } from './errors.ts'
import { KeyTable, type RingRecord } from './key-table.ts'
import { readSchema } from './schema.ts'
import { type SecretReader, SecretTable } from './secret-table.ts'
import { SqliteClient } from './sqlite-client.ts'
import { loadSqliteDriver } from './sqlite-driver.ts'

/** What is found in a database by looking at it. */
export interface DatabaseFacts {
  readonly engine: 'sqlite' | 'postgres'
  /** Of the engine, such as `3.53.2` or `17.2`. */
  readonly version: string
  /** The path of the file; undefined on PostgreSQL. */
  readonly file: string | undefined
  /** Why nothing can be written, in words; undefined when it can. */
  readonly unwritable: string | undefined
  /** What SQLite's own check found broken, in its words. */
  readonly damage: string | undefined
  /** Migrations that this version has and the database lacks; all of them in an empty one. */
  readonly missingMigrations: readonly string[]
  /** Migrations that the database has and this version does not know. */
  readonly unknownMigrations: readonly string[]
  /** Those of them after which this version cannot run on it. */
  readonly breakingMigrations: readonly string[]
  /** Undefined where there are no tables for it yet. */
  readonly ring: RingRecord | undefined
  /** The sealed keys as they were; undefined where there is no table for them yet. */
  readonly secrets: SecretReader | undefined
  /** The database's clock, in milliseconds since the epoch, and how long it took to ask; undefined on SQLite. */
  readonly clock: { readonly now: number; readonly asked: number; readonly answered: number } | undefined
  /** When the newest audit row was written, in milliseconds since the epoch. */
  readonly lastChange: number | undefined
}

/** Larger files, in bytes, are not read from end to end. */
const largestChecked = 64 * 1_048_576

const silent = {
  warn: () => undefined,
  error: () => undefined,
  deprecate: () => undefined,
  debug: () => undefined,
}

/**
 * Looks at a database beside a server that may be running on it, and changes nothing: it makes no file, migrates
 * nothing and writes no row.
 * @returns undefined when there is no database file.
 * @throws {StoreUnavailableError} when it cannot be read.
 */
export async function inspectDatabase(url: string): Promise<DatabaseFacts | undefined> {
  const file = url.startsWith('sqlite:') ? resolve(url.slice('sqlite:'.length)) : undefined
  if (file !== undefined && !existsSync(file)) return undefined
  const knex = file === undefined ? openDatabase(url, { pool: 1, mayStandBy: true }).knex : openSqlite(file)
  try {
    return await look(knex, file)
  } catch (error) {
    throw toStoreError(error)
  } finally {
    await knex.destroy()
  }
}

async function look(knex: Knex, file: string | undefined): Promise<DatabaseFacts> {
  const engine = file === undefined ? 'postgres' : 'sqlite'
  const answers = file === undefined ? await askPostgres(knex) : await askSqlite(knex, file)
  const { applied, missing, unknown, breaking } = await readSchema(knex, migrations)
  const isReadable = applied.length > 0 && breaking.length === 0
  return {
    engine,
    file,
    ...answers,
    missingMigrations: missing,
    unknownMigrations: unknown,
    breakingMigrations: breaking,
    ring: isReadable ? await new KeyTable(knex).read() : undefined,
    secrets: isReadable && (await knex.schema.hasTable('vault')) ? await readSecrets(knex) : undefined,
    lastChange: isReadable ? await readLastChange(knex) : undefined,
  }
}

async function readSecrets(knex: Knex): Promise<SecretReader> {
  const table = new SecretTable(knex)
  const [standing, rows] = [await table.standing(), await table.all()]
  return {
    standing: async () => standing,
    find: async (name) => rows.find((row) => row.name === name),
    all: async () => rows,
  }
}

type Answers = Pick<DatabaseFacts, 'version' | 'unwritable' | 'clock' | 'damage'>

async function firstDamage(knex: Knex): Promise<string> {
  const [row] = await knex.raw('PRAGMA quick_check(1)')
  return String(row?.quick_check)
}

async function askSqlite(knex: Knex, file: string): Promise<Answers> {
  const [{ version }] = await knex.raw('SELECT sqlite_version() AS version')
  // Reading the schema tells a file that is no database.
  await knex.raw('SELECT count(*) FROM sqlite_master')
  const damage = statSync(file).size > largestChecked ? 'ok' : await firstDamage(knex)
  return { version, unwritable: undefined, clock: undefined, damage: damage === 'ok' ? undefined : damage }
}

async function askPostgres(knex: Knex): Promise<Answers> {
  const asked = Date.now()
  const { rows } = await knex.raw(
    `SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS standby,
      current_setting('default_transaction_read_only') AS read_only,
      (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now`,
  )
  const { version, standby, read_only: readOnly, now } = rows[0]
  const answered = Date.now()
  const unwritable = standby
    ? 'it is a standby: name the primary'
    : readOnly === 'on'
      ? 'default_transaction_read_only is on: turn it off'
      : undefined
  return { version, unwritable, damage: undefined, clock: { now: Number(now), asked, answered } }
}

async function readLastChange(knex: Knex): Promise<number | undefined> {
  const row = await knex('audit').orderBy('id', 'desc').first('at')
  return row === undefined ? undefined : Number(row.at)
}

function openSqlite(filename: string): Knex {
  // Where nobody has it open, one that may write clears away at the end what SQLite lays beside the file to read it;
  // where somebody has, or died with it open, one that may not write leaves all of it as it is.
  const readonly = existsSync(`${filename}-wal`)
  if (!statSync(filename).isFile()) {
    throw new StoreUnavailableError(`${filename} is not a regular file: make MINTAGE_DATABASE_URL name one.`)
  }
  return knexModule({
    client: InspectingClient as unknown as typeof Knex.Client,
    connection: { filename, options: { readonly } } as Knex.Sqlite3ConnectionConfig,
    useNullAsDefault: true,
    log: silent,
    pool: { min: 1, max: 1 },
  })
}

/** A connection that refuses to write, whatever it may. */
class InspectingClient extends SqliteClient {
  protected override async prepareConnection(connection: SqliteConnection): Promise<void> {
    connection.pragma('query_only = ON')
  }
}

/** The version of SQLite that this process has, such as `3.53.2`. */
export function sqliteVersion(): string {
  const connection = new (loadSqliteDriver())(':memory:')
  try {
    return String(connection.prepare('SELECT sqlite_version()').pluck().get())
  } finally {
    connection.close()
  }
}
