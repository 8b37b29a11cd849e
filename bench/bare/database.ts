import { randomBytes } from 'node:crypto'
import type BetterSqlite3 from 'better-sqlite3'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'

const Database = loadSqliteDriver()

/** A database as durable as Mintage's: WAL, synchronised to the disk at every commit. */
export function openBareDatabase(path: string): BetterSqlite3.Database {
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  return database
}

/**
 * Makes the one table of the bare reference, with as many sessions.
 * @returns their refresh tokens, `handle.generation`.
 */
export function createBareDatabase(path: string, sessions: number): readonly string[] {
  const database = openBareDatabase(path)
  database.exec(`CREATE TABLE sessions (
    handle TEXT PRIMARY KEY, sid TEXT NOT NULL UNIQUE, client TEXT NOT NULL, user TEXT NOT NULL,
    scope TEXT NOT NULL, generation INTEGER NOT NULL, rotated_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  )`)
  const insert = database.prepare(
    "INSERT INTO sessions VALUES (?, ?, 'service', ?, 'orders:read orders:write', 0, ?, ?)",
  )
  const now = Date.now()
  const handles = Array.from({ length: sessions }, () => randomBytes(16).toString('base64url'))
  database.transaction(() => {
    for (const handle of handles) {
      const [sid, user] = [randomBytes(16), randomBytes(16)]
      insert.run(handle, sid.toString('base64url'), user.toString('base64url'), now, now + 90 * 86_400_000)
    }
  })()
  database.close()
  return handles.map((handle) => `${handle}.0`)
}
