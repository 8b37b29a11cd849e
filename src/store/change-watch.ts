import type { PostgresConnection } from 'knex/lib/dialects/postgres/index.js'

/** Reads what stands in the database, over this connection or any, and tells what is new. */
export type Look = (connection?: PostgresConnection) => Promise<void>

/** Looks whenever another process may have committed something, and soon enough where nothing says so. */
export interface ChangeWatch {
  start(): void
  close(): Promise<void>
}
