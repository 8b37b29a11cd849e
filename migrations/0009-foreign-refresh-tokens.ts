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
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('foreign_refresh_tokens')
}
