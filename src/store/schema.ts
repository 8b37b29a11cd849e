import type { Knex } from 'knex'
import type { Migration } from '../../migrations/index.ts'

/** How the schema of a database stands to the migrations that a version knows. */
export interface SchemaFacts {
  /** What was run on it, in that order. */
  readonly applied: readonly string[]
  /** What this version has and the database lacks. */
  readonly missing: readonly string[]
  /** What a newer version has run. */
  readonly unknown: readonly string[]
  /** Those of them after which this version cannot run on the database. */
  readonly breaking: readonly string[]
}

/** Reads what was run on a database. Changes nothing. */
export async function readSchema(query: Knex, known: readonly Migration[]): Promise<SchemaFacts> {
  const names = known.map(({ name }) => name)
  const applied = (await query.schema.hasTable('knex_migrations'))
    ? await readNames(query, 'knex_migrations')
    : []
  const unknown = applied.filter((name) => !names.includes(name))
  const additive = unknown.length === 0 ? [] : await readAdditive(query)
  return {
    applied,
    missing: names.filter((name) => !applied.includes(name)),
    unknown,
    breaking: unknown.filter((name) => !additive.includes(name)),
  }
}

/** Takes down which of the migrations that were just run a version need not know. */
export async function recordAdditive(query: Knex, known: readonly Migration[]): Promise<void> {
  if (!(await query.schema.hasTable('additive_migrations'))) return
  const { applied } = await readSchema(query, known)
  const recorded = await readAdditive(query)
  const added = known.filter(
    ({ name, additive }) => additive && applied.includes(name) && !recorded.includes(name),
  )
  if (added.length > 0) await query('additive_migrations').insert(added.map(({ name }) => ({ name })))
}

async function readAdditive(query: Knex): Promise<readonly string[]> {
  // A database that a version from before the table has written says of none of its migrations that they are.
  return (await query.schema.hasTable('additive_migrations')) ? readNames(query, 'additive_migrations') : []
}

async function readNames(query: Knex, table: string): Promise<readonly string[]> {
  const rows = await query(table).select('name').orderBy('name')
  return rows.map((row) => String(row.name))
}
