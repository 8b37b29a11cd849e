import { setTimeout as delay } from 'node:timers/promises'
import type { Knex } from 'knex'
import { type Migration, migrations } from '../../migrations/index.ts'
import type { Database } from './database.ts'
import { SchemaError, StoreUnavailableError } from './errors.ts'

/** Names the migrations for knex. They carry no file extension, so that source and build agree on them. */
const migrationSource: Knex.MigrationSource<Migration> = {
  getMigrations: async () => [...migrations],
  getMigrationName: (migration) => migration.name,
  getMigration: async (migration) => migration,
}

/** How often a first migration is tried again when another process was faster. */
const attempts = 10

/**
 * Brings the schema up to date, in one transaction, so that a process that dies leaves neither half a schema nor a
 * lock behind. Two processes may do it at once.
 * @returns the names of the migrations that were run.
 * @throws {SchemaError} when a newer version of Mintage has written the database.
 */
export async function migrate(database: Database): Promise<readonly string[]> {
  await refuseNewerSchema(database.knex)
  for (let attempt = 1; ; attempt++) {
    try {
      return await database.transact(
        async (trx) => {
          const [, names] = await trx.migrate.latest({ migrationSource })
          return names
        },
        database.isolation ?? 'read committed',
        Number.POSITIVE_INFINITY,
      )
    } catch (error) {
      if (error instanceof StoreUnavailableError || attempt >= attempts) throw error
      // PostgreSQL refuses the second of two simultaneous CREATE TABLEs; by then the first is nearly done.
      await delay(50 * attempt * (0.5 + Math.random()))
    }
  }
}

async function refuseNewerSchema(knex: Knex): Promise<void> {
  if (!(await knex.schema.hasTable('knex_migrations'))) return
  const known = new Set(migrations.map((migration) => migration.name))
  const rows = await knex('knex_migrations').select('name').orderBy('id')
  const unknown = rows.map((row) => String(row.name)).filter((name) => !known.has(name))
  if (unknown.length === 0) return
  throw new SchemaError(
    `The database was written by a newer version of Mintage (it has ${unknown.join(', ')}, which this version ` +
      'does not know). Run that version or a later one, or restore a backup made before the upgrade.',
  )
}
