import type { Knex } from 'knex'

export const additive = true

/**
 * What slows down whoever guesses. No name stands in it, only keyed digests; networks do, for an operator has to see
 * where an attack comes from.
 */
export async function up(knex: Knex): Promise<void> {
  // The columns and their order are those that rate-limiter-flexible writes; one node on SQLite counts in memory.
  await knex.schema.createTable('throttle_counts', (table) => {
    table.string('key', 255).primary()
    table.integer('points').notNullable().defaultTo(0)
    table.bigInteger('expire').index()
  })
  // Budgets that are used up.
  await knex.schema.createTable('throttles', (table) => {
    table.text('key').primary()
    table.text('data').notNullable()
    table.bigInteger('since').notNullable()
    table.bigInteger('until').notNullable().index()
  })
  // Where somebody logged in, who therefore has a budget of their own there.
  await knex.schema.createTable('known_networks', (table) => {
    table.text('subject').notNullable()
    table.text('network').notNullable()
    table.bigInteger('seen_at').notNullable().index()
    table.primary(['subject', 'network'])
  })
  // What operators cleared, for the nodes that remember it still.
  await knex.schema.createTable('throttle_clearings', (table) => {
    table.bigIncrements('id')
    table.text('data').notNullable()
    table.bigInteger('at').notNullable().index()
  })
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['throttle_clearings', 'known_networks', 'throttles', 'throttle_counts']) {
    await knex.schema.dropTable(table)
  }
}
