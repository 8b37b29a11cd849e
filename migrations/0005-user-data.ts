import type { Knex } from 'knex'

/** Templates, as JSON text, of what of a user joins a client's answers and tokens; null where nothing does. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('clients', (table) => {
    table.text('user_data')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('clients', (table) => {
    table.dropColumn('user_data')
  })
}
