import type { Database as SqliteConnection, Statement } from 'better-sqlite3'

/** What surrounds statements that are prepared by hand. */
export interface TransactionStatements {
  readonly begin: Statement<[]>
  readonly commit: Statement<[]>
  readonly rollback: Statement<[]>
}

/**
 * Prepares statements once on each connection, together with those of a transaction, which takes the write lock when
 * it begins: one that reads first and writes then would fail beside another process.
 */
export function preparedStatements<Statements>(
  prepare: (connection: SqliteConnection) => Statements,
): (connection: SqliteConnection) => Statements & TransactionStatements {
  const prepared = new WeakMap<SqliteConnection, Statements & TransactionStatements>()
  return (connection) => {
    const known = prepared.get(connection)
    if (known) return known
    const statements = {
      begin: connection.prepare<[]>('BEGIN IMMEDIATE'),
      commit: connection.prepare<[]>('COMMIT'),
      rollback: connection.prepare<[]>('ROLLBACK'),
      ...prepare(connection),
    }
    prepared.set(connection, statements)
    return statements
  }
}
