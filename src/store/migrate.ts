import { setTimeout as delay } from 'node:timers/promises'
import type { Knex } from 'knex'
import { type Migration, migrations } from '../../migrations/index.ts'
import type { Database } from './database.ts'
import { SchemaError, StoreUnavailableError } from './errors.ts'
import { readSchema, recordAdditive } from './schema.ts'

/** How often a first migration is tried again when another process was faster. */
const attempts = 10

/**
 * Brings the schema up to date, in one transaction, so that a process that dies leaves neither half a schema nor a
 * lock behind. Two processes may do it at once. What a newer version has added is left as it is.
 * @param known the migrations of this version, oldest first.
 * @returns the names of the migrations of a newer version that were found there.
 * @throws {SchemaError} when a newer version has changed the database so that this one cannot run on it.
 */
export async function migrate(
  database: Database,
  known: readonly Migration[] = migrations,
): Promise<readonly string[]> {
  await refuseBreaking(database.knex, known)
  for (let attempt = 1; ; attempt++) {
    try {
      return await database.transact(
        (trx) => run(trx, known),
        database.isolation ?? 'read committed',
        Number.POSITIVE_INFINITY,
      )
    } catch (error) {
      if (error instanceof StoreUnavailableError || error instanceof SchemaError || attempt >= attempts)
        throw error
      // PostgreSQL refuses the second of two simultaneous CREATE TABLEs; by then the first is nearly done.
      await delay(50 * attempt * (0.5 + Math.random()))
    }
  }
}

async function run(trx: Knex.Transaction, known: readonly Migration[]): Promise<readonly string[]> {
  // Those of a newer version are judged here, by what it has said of them; knex would refuse them all.
  const config = { migrationSource: toSource(known), disableMigrationsListValidation: true }
  const [, names] = await trx.migrate.latest(config)
  if (names.length > 0) await recordAdditive(trx, known)
  // Again, for a newer version may have come first.
  return refuseBreaking(trx, known)
}

/** Names the migrations for knex. They carry no file extension, so that source and build agree on them. */
function toSource(known: readonly Migration[]): Knex.MigrationSource<Migration> {
  return {
    getMigrations: async () => [...known],
    getMigrationName: (migration) => migration.name,
    getMigration: async (migration) => migration,
  }
}

async function refuseBreaking(query: Knex, known: readonly Migration[]): Promise<readonly string[]> {
  const { unknown, breaking } = await readSchema(query, known)
  if (breaking.length === 0) return unknown
  throw new SchemaError(
    `The database was written by a newer version of Mintage: it has ${breaking.join(', ')}, which a version has to ` +
      `know to run on it, and this one knows the schema up to ${known.at(-1)?.name}. Run that version or a later one, ` +
      'or restore a backup made before the upgrade.',
  )
}
