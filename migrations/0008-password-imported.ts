import type { Knex } from 'knex'

/** When a user's password was taken over from elsewhere: whoever has it unchanged since keeps the sessions they had there. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.bigInteger('password_imported_at')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.dropColumn('password_imported_at')
  })
}
