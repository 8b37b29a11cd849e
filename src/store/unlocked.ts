import type { Knex } from 'knex'

/**
 * Deletes the rows of `table` that `chosen` finds, but for those that another process has under its hands: whoever
 * gets there first deletes them, and nobody waits. `key` is the primary key.
 * @returns how many were deleted.
 */
export async function deleteUnlocked(
  query: Knex,
  table: string,
  key: string,
  chosen: Knex.QueryBuilder,
): Promise<number> {
  // SQLite has one writer, and no word for it.
  if (query.client.dialect === 'sqlite3') return query(table).whereIn(key, chosen.select(key)).delete()
  return query(table).whereIn(key, chosen.select(key).forUpdate().skipLocked()).delete()
}
