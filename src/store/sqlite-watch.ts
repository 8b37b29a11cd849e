import type { Database as SqliteConnection, Statement } from 'better-sqlite3'
import type { ChangeWatch, Look } from './change-watch.ts'
import { type Database, withSqliteConnection } from './database.ts'

/** How often to look, in milliseconds; it costs no query, and a revocation by a command is as late as this. */
const interval = 50

/** The connection, and the statement that says whether another one has committed. */
interface Watched {
  readonly connection: SqliteConnection
  readonly dataVersion: Statement<[], unknown>
}

/** SQLite tells nobody, but has a number that changes with the commits of other connections. */
export class SqliteWatch implements ChangeWatch {
  readonly #database: Database
  readonly #look: Look
  #watched: Watched | undefined
  #seen: { readonly watched: Watched; readonly dataVersion: number } | undefined
  #timer: NodeJS.Timeout | undefined
  #polling: Promise<void> | undefined
  #closed = false

  constructor(database: Database, look: Look) {
    this.#database = database
    this.#look = look
  }

  start(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll()
        // An outage is told by the requests that meet it; the feed catches up when the database is back.
        .catch(() => undefined)
        .then(() => this.start())
    }, interval)
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#polling
  }

  async #poll(): Promise<void> {
    const watched = this.#watched?.connection.open ? this.#watched : await this.#watch()
    const dataVersion = Number(watched.dataVersion.get())
    // The number means something on one connection only.
    if (watched === this.#seen?.watched && dataVersion === this.#seen.dataVersion) return
    await this.#look()
    this.#seen = { watched, dataVersion }
  }

  /** Looking goes past the pool, whose bookkeeping would cost a hundred times as much; it may come amid a transaction. */
  async #watch(): Promise<Watched> {
    this.#watched = await withSqliteConnection(this.#database.knex, (connection) => ({
      connection,
      dataVersion: connection.prepare<[], unknown>('PRAGMA data_version').pluck(),
    }))
    return this.#watched
  }
}
