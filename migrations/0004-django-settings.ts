import type { Knex } from 'knex'

/** What the Django wire formats do otherwise for a client, as JSON text; null where they have their defaults. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('clients', (table) => {
    table.text('django')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('clients', (table) => {
    table.dropColumn('django')
  })
}
