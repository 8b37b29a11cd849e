import type PostgresDialect from 'knex/lib/dialects/postgres/index.js'
import type { PostgresConnection } from 'knex/lib/dialects/postgres/index.js'
import type { Database } from './database.ts'
import { isConflict, toStoreError } from './errors.ts'

/** One statement as the PostgreSQL driver takes it. */
export interface CountQuery {
  readonly name?: string
  readonly text: string
  readonly values: readonly unknown[]
}

export interface CountResult {
  readonly rows: readonly unknown[]
  readonly rowCount: number | null
}

/** How often a statement that lost against another one is run again. */
const conflictRetries = 8

/** Runs the single statements of a library that counts on PostgreSQL, on the connections of the store. */
export class CountClient {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** @throws {StoreUnavailableError} when the database cannot be used. */
  async query(query: CountQuery): Promise<CountResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#run(query)
      } catch (error) {
        if (!isConflict(error) || attempt > conflictRetries) throw toStoreError(error)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * attempt))
      }
    }
  }

  /**
   * Counts one less in a window that runs at `now` and ends by `until`, in milliseconds since the epoch; one that began
   * later has nothing to give back. @throws {StoreUnavailableError} when the database cannot be used.
   */
  async giveBack(key: string, now: number, until: number): Promise<void> {
    const text =
      'UPDATE throttle_counts SET points = points - 1 WHERE key = $1 AND expire > $2 AND expire <= $3 AND points > 0'
    await this.query({ text, values: [key, now, until] })
  }

  async #run(query: CountQuery): Promise<CountResult> {
    const client: PostgresDialect = this.#database.knex.client
    const connection: PostgresConnection = await client.acquireConnection()
    try {
      // By the client, which waits no longer than it does for others. A name would not be known behind a pooler.
      const { response } = await client._query(connection, { sql: query.text, bindings: query.values })
      return { rows: response?.rows ?? [], rowCount: response?.rowCount ?? null }
    } finally {
      await client.releaseConnection(connection)
    }
  }
}
