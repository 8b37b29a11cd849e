import type { Database as SqliteConnection, Statement } from 'better-sqlite3'
import type { Knex } from 'knex'
import type { Database } from './database.ts'
import { withSqliteConnection } from './database.ts'

/** What other processes are told of. */
export type Topic = 'clients' | 'apis' | 'keys' | 'status' | 'throttles'

type Listener = () => void

/**
 * How often a process looks for what others committed, in milliseconds. On SQLite looking costs no query, and a
 * revocation by a command is as late as this.
 */
const intervals: Readonly<Record<Database['engine'], number>> = { sqlite: 50, postgres: 200 }

/** The connection of SQLite, and the statement that says whether another one has committed. */
interface Watched {
  readonly connection: SqliteConnection
  readonly dataVersion: Statement<[], unknown>
}

/**
 * Tells this process what any process committed, itself at once and the others within a second. Every topic has a
 * version that the changing transaction steps, so nothing that was committed can be missed, only merged.
 */
export class ChangeFeed {
  readonly #database: Database
  readonly #listeners = new Map<Topic, Set<Listener>>()
  readonly #versions = new Map<string, number>()
  #watched: Watched | undefined
  #seen: { readonly watched: Watched; readonly dataVersion: number } | undefined
  #timer: NodeJS.Timeout | undefined
  #polling: Promise<void> | undefined
  #closed = false

  constructor(database: Database) {
    this.#database = database
  }

  /** Calls `listener` after each change of the topic, until the function that it returns is called. */
  on(topic: Topic, listener: Listener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  /** Reads where the topics stand and begins to watch them. */
  async start(): Promise<void> {
    const { versions } = await this.#read()
    for (const [topic, version] of versions) this.#versions.set(topic, version)
    this.#schedule()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#polling
  }

  /** Steps the topics' versions inside the transaction that changes them; announce them when it is committed. */
  static async step(query: Knex, topics: Iterable<Topic>): Promise<ReadonlyMap<Topic, number>> {
    const stepped = new Map<Topic, number>()
    // Always in the same order, so that two transactions cannot wait for each other.
    for (const topic of [...topics].sort()) {
      const rows = await query('changes')
        .insert({ topic, version: 1 })
        .onConflict('topic')
        .merge({ version: query.raw('?? + 1', ['changes.version']) })
        .returning('version')
      stepped.set(topic, Number(rows[0]?.version))
    }
    return stepped
  }

  /** Calls the listeners of a topic that has a number of its own in the database: this process has changed it. */
  tell(topic: Topic): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener()
  }

  /** Tells this process of its own commit at once. */
  announce(stepped: ReadonlyMap<Topic, number>): void {
    for (const [topic, version] of stepped) {
      this.#versions.set(topic, version)
      this.tell(topic)
    }
  }

  /** Any other number is news, a lower one too: a database that lost commits gives the same numbers again. */
  #learn(topic: Topic, version: number): void {
    if (version === this.#versions.get(topic)) return
    this.#versions.set(topic, version)
    this.tell(topic)
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll()
        // An outage is told by the requests that meet it; the feed catches up when the database is back.
        .catch(() => undefined)
        .then(() => this.#schedule())
    }, intervals[this.#database.engine])
    this.#timer.unref()
  }

  async #poll(): Promise<void> {
    if (this.#database.engine === 'sqlite') {
      const watched = this.#watched?.connection.open ? this.#watched : await this.#watch()
      const dataVersion = Number(watched.dataVersion.get())
      // The number means something on one connection only.
      if (watched === this.#seen?.watched && dataVersion === this.#seen.dataVersion) return
      await this.#update()
      this.#seen = { watched, dataVersion }
    } else {
      await this.#update()
    }
  }

  /** Looking goes past the pool, whose bookkeeping would cost a hundred times as much; it may come amid a transaction. */
  async #watch(): Promise<Watched> {
    this.#watched = await withSqliteConnection(this.#database.knex, (connection) => ({
      connection,
      dataVersion: connection.prepare<[], unknown>('PRAGMA data_version').pluck(),
    }))
    return this.#watched
  }

  async #update(): Promise<void> {
    const { versions, isStatusPending } = await this.#read()
    for (const [topic, version] of versions) this.#learn(topic, version)
    if (isStatusPending) this.tell('status')
  }

  /**
   * Status changes count themselves: a row of the feed that every revocation stepped would make them wait for each
   * other. Those that have no number yet are told until they have one.
   */
  async #read(): Promise<{
    readonly versions: readonly (readonly [Topic, number])[]
    readonly isStatusPending: boolean
  }> {
    const { knex } = this.#database
    const rows = await knex('changes').select('topic', 'version')
    const versions = rows.map((row) => [row.topic as Topic, Number(row.version)] as const)
    const pending = knex.raw('EXISTS (SELECT 1 FROM status_pending) AS pending')
    const status = await knex('status_state').first('version', pending)
    return {
      versions: [...versions, ['status', Number(status?.version ?? 0)]],
      isStatusPending: Number(status?.pending) === 1,
    }
  }
}
