import type { Database } from 'better-sqlite3'

/** The statements that make a SQLite database again: one a line, so that two of them can be compared. */
export function dumpSql(connection: Database): string {
  const objects = connection
    .prepare(
      "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type = 'table' DESC, rowid",
    )
    .all() as readonly { readonly type: string; readonly name: string; readonly sql: string }[]
  const tables = objects.filter(({ type }) => type === 'table').map(({ name }) => name)
  const lines = objects.filter(({ type }) => type === 'table').map(({ sql }) => `${flatten(sql)};`)
  for (const table of tables) lines.push(...dumpRows(connection, table))
  // Ids that were given out once are not given out again.
  lines.push('DELETE FROM sqlite_sequence;', ...dumpRows(connection, 'sqlite_sequence'))
  lines.push(...objects.filter(({ type }) => type !== 'table').map(({ sql }) => `${flatten(sql)};`))
  return `${['PRAGMA foreign_keys = OFF;', 'BEGIN;', ...lines, 'COMMIT;'].join('\n')}\n`
}

function dumpRows(connection: Database, table: string): readonly string[] {
  const columns = (connection.pragma(`table_info("${table}")`) as readonly { readonly name: string }[]).map(
    ({ name }) => `"${name}"`,
  )
  const quoted = columns.map((column) => `quote(${column})`).join(` || ', ' || `)
  return connection
    .prepare(`SELECT ${quoted} FROM "${table}" ORDER BY rowid`)
    .pluck()
    .all()
    .map((values) => `INSERT INTO "${table}" (${columns.join(', ')}) VALUES (${values});`)
}

function flatten(sql: string): string {
  return sql.replaceAll(/\s+/g, ' ')
}
