import { type Migration, migrations } from '../../migrations/index.ts'
import { inModules } from '../support/child-issuer.ts'

/** Migrations that this version will have one day. */
const future: Readonly<Record<string, Migration>> = {
  additive: {
    name: '9001-added',
    additive: true,
    async up(knex) {
      await knex.schema.alterTable('sessions', (table) => {
        table.text('device')
      })
    },
    down: async () => undefined,
  },
  breaking: {
    name: '9002-renamed',
    async up(knex) {
      await knex.schema.alterTable('sessions', (table) => {
        table.renameColumn('scope', 'scopes')
      })
    },
    down: async () => undefined,
  },
}

/** The environment that makes a process one of a version of the future: it loads this file before anything else. */
export function ofFuture(...names: readonly string[]): Readonly<Record<string, string>> {
  return { ...inModules, NODE_OPTIONS: `--import=${import.meta.url}`, FUTURE_MIGRATIONS: names.join(' ') }
}

for (const name of (process.env['FUTURE_MIGRATIONS'] ?? '').split(' ')) {
  const migration = future[name]
  if (migration) (migrations as Migration[]).push(migration)
}
