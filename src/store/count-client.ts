import type { Knex } from 'knex'
import type { Database } from './database.ts'
import { isConflict, toStoreError } from './errors.ts'

/** One statement as the PostgreSQL driver takes it; one with a name is prepared once for each connection. */
export interface CountQuery {
  readonly name?: string
  readonly text: string
  readonly values: readonly unknown[]
}

export interface CountResult {
  readonly rows: readonly unknown[]
  readonly rowCount: number | null
}

interface PostgresConnection {
  query(query: CountQuery): Promise<CountResult>
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

  async #run(query: CountQuery): Promise<CountResult> {
    const client: Knex.Client = this.#database.knex.client
    const connection: PostgresConnection = await client.acquireConnection()
    try {
      return await connection.query(query)
    } finally {
      await client.releaseConnection(connection)
    }
  }
}
