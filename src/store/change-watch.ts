import type { PostgresConnection } from 'knex/lib/dialects/postgres/index.js'

/**
 * Reads what stands in the database, over this connection or any, and tells what is new. `isAnew`: the connection before
 * broke, and the server may be another one, so that the same numbers prove nothing.
 */
export type Look = (connection?: PostgresConnection, isAnew?: boolean) => Promise<void>

/** Looks whenever another process may have committed something, and soon enough where nothing says so. */
export interface ChangeWatch {
  start(): void
  close(): Promise<void>
}
