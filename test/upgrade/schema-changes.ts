import type { Database } from 'better-sqlite3'

interface Column {
  readonly name: string
  readonly type: string
  readonly notnull: number
  readonly dflt_value: string | null
  readonly pk: number
}

/** What a version that writes to a database relies on: its tables with their columns, and what must not occur twice. */
export interface SchemaShape {
  readonly tables: ReadonlyMap<string, readonly Column[]>
  readonly constraints: ReadonlyMap<string, readonly string[]>
}

export function readShape(connection: Database): SchemaShape {
  const names = connection
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all()
    .map(String)
  return {
    tables: new Map(names.map((name) => [name, connection.pragma(`table_info("${name}")`) as Column[]])),
    constraints: new Map(names.map((name) => [name, readConstraints(connection, name)])),
  }
}

function readConstraints(connection: Database, table: string): readonly string[] {
  const indexes = connection.pragma(`index_list("${table}")`) as readonly { name: string; unique: number }[]
  const unique = indexes
    .filter((index) => index.unique === 1)
    .map(({ name }) => {
      const columns = connection.pragma(`index_info("${name}")`) as readonly { name: string }[]
      return `unique (${columns.map((column) => column.name).join(', ')})`
    })
  const references = (
    connection.pragma(`foreign_key_list("${table}")`) as readonly { from: string; table: string }[]
  ).map(({ from, table: target }) => `${from} refers to ${target}`)
  const triggers = connection
    .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?")
    .pluck()
    .all(table)
    .map((name) => `trigger ${name}`)
  return [...unique, ...references, ...triggers].sort()
}

/** What a version that knows the schema before could not do on the one after; each a sentence. */
export function findBreaks(before: SchemaShape, after: SchemaShape): readonly string[] {
  return [...before.tables].flatMap(([table, columns]) => {
    const now = after.tables.get(table)
    if (!now) return [`The table ${table} is gone.`]
    const gone = columns
      .filter((column) => !now.some(({ name }) => name === column.name))
      .map(({ name }) => `${table}.${name} is gone.`)
    const changed = columns
      .filter((column) => now.some((other) => other.name === column.name && !isSame(column, other)))
      .map(({ name }) => `${table}.${name} is another.`)
    const demanded = now
      .filter(({ name }) => !columns.some((column) => column.name === name))
      .filter((column) => column.notnull === 1 && column.dflt_value === null)
      .map(({ name }) => `${table}.${name} has to be filled.`)
    const constrained = (after.constraints.get(table) ?? [])
      .filter((constraint) => !before.constraints.get(table)?.includes(constraint))
      .map((constraint) => `${table}: ${constraint} is new.`)
    return [...gone, ...changed, ...demanded, ...constrained]
  })
}

function isSame(a: Column, b: Column): boolean {
  return a.type === b.type && a.notnull === b.notnull && a.pk === b.pk && a.dflt_value === b.dflt_value
}
