import type { Knex } from 'knex'

export const additive = true

/**
 * Private keys that lie in the database, each sealed under a key that is not in it; and under which one, which also says
 * whether they lie here at all (null: in a directory).
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('sealed_secrets', (table) => {
    table.text('name').primary()
    table.text('vault_key').notNullable()
    table.text('sealed').notNullable()
  })
  await knex.schema.createTable('vault', (table) => {
    table.integer('id').primary()
    table.text('vault_key')
  })
  await knex('vault').insert({ id: 1, vault_key: null })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('vault')
  await knex.schema.dropTable('sealed_secrets')
}
