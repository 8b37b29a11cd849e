import type { Knex } from 'knex'
import type { PostgresConnection } from 'knex/lib/dialects/postgres/index.js'
import type { ChangeWatch, Look } from './change-watch.ts'
import type { Database } from './database.ts'
import { PostgresWatch, wake } from './postgres-watch.ts'
import { SqliteWatch } from './sqlite-watch.ts'

/** What other processes are told of. */
export type Topic = 'clients' | 'apis' | 'keys' | 'status' | 'throttles'

type Listener = () => void

/**
 * Tells this process what any process committed, itself at once and the others within a second. Every topic has a
 * version that the changing transaction steps, so nothing that was committed can be missed, only merged.
 */
export class ChangeFeed {
  readonly #database: Database
  readonly #watch: ChangeWatch
  readonly #listeners = new Map<Topic, Set<Listener>>()
  readonly #versions = new Map<string, number>()

  constructor(database: Database) {
    this.#database = database
    const look: Look = (connection, isAnew) => this.#look(connection, isAnew)
    this.#watch =
      database.engine === 'sqlite' ? new SqliteWatch(database, look) : new PostgresWatch(database, look)
  }

  /** Calls `listener` after each change of the topic, until the function that it returns is called. */
  on(topic: Topic, listener: Listener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  /** Reads where the topics stand and begins to watch them. */
  async start(): Promise<void> {
    for (const { topic, version } of await read(this.#database.knex)) this.#versions.set(topic, version)
    this.#watch.start()
  }

  async close(): Promise<void> {
    await this.#watch.close()
  }

  /** Steps the topics' versions inside the transaction that changes them; announce them when it is committed. */
  async step(query: Knex, topics: Iterable<Topic>): Promise<ReadonlyMap<Topic, number>> {
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
    if (stepped.size > 0) await this.notify(query)
    return stepped
  }

  /**
   * Wakes the other processes when the transaction of `query` is committed, where the database can. Such commits wait
   * for each other, so what many requests do at once says nothing.
   */
  async notify(query: Knex): Promise<void> {
    if (this.#database.canNotify) await wake(query)
  }

  /** Calls the listeners of a topic that has a number of its own in the database: this process has changed it. */
  tell(topic: Topic): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener()
  }

  /** This process has committed status changes. One that numbers none itself, such as a command, wakes one that does. */
  async tellStatus(): Promise<void> {
    if (this.#listeners.get('status')?.size) this.tell('status')
    // Whoever is not woken looks by itself a moment later.
    else await this.notify(this.#database.knex).catch(() => undefined)
  }

  /** Tells this process of its own commit at once. */
  announce(stepped: ReadonlyMap<Topic, number>): void {
    for (const [topic, version] of stepped) {
      this.#versions.set(topic, version)
      this.tell(topic)
    }
  }

  async #look(connection?: PostgresConnection, isAnew = false): Promise<void> {
    const standings = await read(this.#database.knex, connection)
    if (isAnew) {
      for (const { topic, version } of standings) this.#versions.set(topic, version)
      for (const topic of this.#listeners.keys()) this.tell(topic)
      return
    }
    for (const { topic, version, pending } of standings) {
      this.#learn(topic, version)
      if (Number(pending) === 1) this.tell(topic)
    }
  }

  /** Any other number is news, a lower one too: a database that lost commits gives the same numbers again. */
  #learn(topic: Topic, version: number): void {
    if (version === this.#versions.get(topic)) return
    this.#versions.set(topic, version)
    this.tell(topic)
  }
}

interface Standing {
  readonly topic: Topic
  readonly version: number
  /** Whether something of it is committed that has no number yet. */
  readonly pending: number | boolean
}

/**
 * Status changes count themselves: a row of the feed that every revocation stepped would make them wait for each
 * other. Those that have no number yet are told until they have one.
 */
async function read(query: Knex, connection?: PostgresConnection): Promise<readonly Standing[]> {
  const reading = query('changes')
    .select('topic', 'version', query.raw('FALSE AS pending'))
    .unionAll(
      query('status_state').select(
        query.raw("'status' AS topic"),
        'version',
        query.raw('EXISTS (SELECT 1 FROM status_pending) AS pending'),
      ),
    )
  return connection ? reading.connection(connection) : reading
}
