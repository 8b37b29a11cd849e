import type { Knex } from 'knex'

export const additive = true

/** The migrations that a version need not know to run on this database: see `additive` in index.ts. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('additive_migrations', (table) => {
    table.text('name').primary()
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('additive_migrations')
}
