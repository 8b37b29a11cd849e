import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { checkout } from './old-version.ts'

/** A session as an older version left it: its last token, the one before, and the access token of the last. */
export interface KeptSession {
  readonly refresh_token: string
  readonly before?: string
  readonly access_token: string
  /** What the last refresh was sent with. */
  readonly idempotency_key?: string
}

/** An installation as a released version left it, with what its clients held. */
export interface Fixture {
  readonly name: string
  readonly commit: string
  /** Milliseconds since the epoch. */
  readonly madeAt: number
  readonly environment: Readonly<Record<string, string>>
  /** SHA-256 of the source of each migration that it had run: none of them changes again. */
  readonly migrations: Readonly<Record<string, string>>
  readonly service: { readonly id: string; readonly secret: string }
  readonly password: string
  readonly sessions: {
    readonly fresh: KeptSession
    readonly refreshed: KeptSession
    readonly often: KeptSession
    readonly keyed: KeptSession
    readonly newerMacKey: KeptSession
    /** Revoked by its refresh token. */
    readonly ended: KeptSession
    /** Of a user who was disabled since. */
    readonly ofDisabled: KeptSession
    /** Its access token was revoked, and it lives. */
    readonly flagged: KeptSession & { readonly revoked_access_token: string }
  }
  readonly clientToken: string
  /** Refresh tokens of a Django project: one that became a session, and what it became, and one that did not yet. */
  readonly foreign: { readonly exchanged: string; readonly became: string; readonly kept: string }
}

const folder = join(checkout, 'test/upgrade/fixtures')

export function listFixtures(): readonly string[] {
  return readdirSync(folder).sort()
}

export function readFixture(name: string): Fixture {
  return JSON.parse(readFileSync(join(folder, name, 'fixture.json'), 'utf8'))
}

/** Lays the database and the keys of a fixture down in a directory, as its version had left them. */
export function layDown(name: string, directory: string): Readonly<Record<string, string>> {
  const keys: Readonly<Record<string, string>> = JSON.parse(
    readFileSync(join(folder, name, 'test-keys.json'), 'utf8'),
  )
  const keysDir = join(directory, 'keys')
  mkdirSync(keysDir, { mode: 0o700 })
  for (const [file, text] of Object.entries(keys)) writeFileSync(join(keysDir, file), text, { mode: 0o600 })
  const database = join(directory, 'mintage.db')
  const connection = new (loadSqliteDriver())(database)
  connection.pragma('journal_mode = WAL')
  connection.exec(readFileSync(join(folder, name, 'database.sql'), 'utf8'))
  connection.close()
  chmodSync(database, 0o600)
  return { MINTAGE_DATABASE_URL: `sqlite:${database}`, MINTAGE_KEYS_DIR: keysDir }
}

export function saveFixture(fixture: Fixture, sql: string, keys: Readonly<Record<string, string>>): string {
  const target = join(folder, fixture.name)
  mkdirSync(target, { recursive: true })
  const write = (file: string, value: unknown) =>
    writeFileSync(join(target, file), `${JSON.stringify(value, undefined, 2)}\n`)
  write('fixture.json', fixture)
  write('test-keys.json', keys)
  writeFileSync(join(target, 'database.sql'), sql)
  return target
}

/** SHA-256 of the source of each migration of a checkout. */
export function hashMigrations(directory: string): Readonly<Record<string, string>> {
  const folder = join(directory, 'migrations')
  const files = readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.ts$/.test(file))
    .sort()
  return Object.fromEntries(
    files.map((file) => [
      file.replace(/\.ts$/, ''),
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]),
  )
}
