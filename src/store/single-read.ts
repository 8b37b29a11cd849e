import type { Database as SqliteConnection, Statement } from 'better-sqlite3'
import type { Knex } from 'knex'
import { toStoreError } from './errors.ts'
import { waitForLock } from './sqlite-client.ts'

const prepared = new WeakMap<SqliteConnection, Map<string, Statement<unknown[]>>>()

/**
 * The first row that a statement reads, past the query builder, which costs more than reading a row. `text` is a
 * constant, for on SQLite it stays prepared.
 * @throws {StoreUnavailableError} when the database cannot be used.
 */
export async function readRow<Row>(
  query: Knex,
  text: string,
  bindings: readonly (string | number)[] = [],
): Promise<Row | undefined> {
  if (query.client.dialect !== 'sqlite3') return (await query.raw<{ rows: Row[] }>(text, bindings)).rows[0]
  const connection: SqliteConnection = await query.client.acquireConnection()
  try {
    const read = () => prepare(connection, text).get(...bindings) as Row | undefined
    return connection.inTransaction ? read() : await waitForLock(read)
  } catch (error) {
    throw toStoreError(error)
  } finally {
    await query.client.releaseConnection(connection)
  }
}

function prepare(connection: SqliteConnection, text: string): Statement<unknown[]> {
  const statements = prepared.get(connection) ?? new Map<string, Statement<unknown[]>>()
  prepared.set(connection, statements)
  const statement = statements.get(text) ?? connection.prepare<unknown[]>(text)
  statements.set(text, statement)
  return statement
}
