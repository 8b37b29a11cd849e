import type { Knex } from 'knex'

/** The `SameSite` of the cookies that a client's tokens travel in; null where they travel in bodies. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('clients', (table) => {
    table.text('cookies')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('clients', (table) => {
    table.dropColumn('cookies')
  })
}
