import type { Knex } from 'knex'

/**
 * Refresh tokens of the issuer before this one that count no more: those it had blacklisted itself, without a handle, and those
 * that a session has taken the place of.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('foreign_refresh_tokens', (table) => {
    table.text('digest').primary()
    table.text('handle')
    table.bigInteger('at').notNullable()
    table.bigInteger('expires_at').notNullable().index()
  })
  // Whose sessions were all ended here: those that were not exchanged before then are ended with them.
  await knex.schema.createTable('foreign_token_ends', (table) => {
    table.text('user').primary()
    table.bigInteger('at').notNullable()
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('foreign_token_ends')
  await knex.schema.dropTable('foreign_refresh_tokens')
}
