import type { Knex } from 'knex'

/**
 * What users are known by where they came from: the `user_id` among their claims, which no two of them share, and a
 * digest of the password hash that they came with, which tells whether it has changed there since.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.text('user_id_claim')
    table.text('imported_password')
  })
  await knex.schema.alterTable('users', (table) => {
    table.unique(['user_id_claim'], { indexName: 'users_user_id_claim' })
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.dropUnique(['user_id_claim'], 'users_user_id_claim')
  })
  await knex.schema.alterTable('users', (table) => {
    table.dropColumns('user_id_claim', 'imported_password')
  })
}
