import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'

/** Status lists: their index blocks, the changes that wait for a number, and those that have one. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('status_state', (table) => {
    table.integer('id').primary()
    table.text('epoch').notNullable()
    table.bigInteger('version').notNullable()
  })
  await knex('status_state').insert({ id: 1, epoch: randomBytes(12).toString('base64url'), version: 0 })

  await knex.schema.createTable('status_lists', (table) => {
    table.text('id').primary()
    table.text('kind').notNullable()
    table.bigInteger('size').notNullable()
    table.bigInteger('allocated').notNullable()
    table.bigInteger('version').notNullable()
    table.bigInteger('needed_until').notNullable()
    table.binary('bits')
    table.bigInteger('bits_version').notNullable()
  })

  await knex.schema.createTable('status_blocks', (table) => {
    table.text('list').notNullable()
    table.bigInteger('start').notNullable()
    table.bigInteger('size').notNullable()
    table.text('owner').notNullable().index()
    table.primary(['list', 'start'])
  })

  await knex.schema.createTable('status_pending', (table) => {
    table.bigIncrements('id')
    table.text('kind').notNullable()
    table.text('list')
    table.text('data').notNullable()
  })

  await knex.schema.createTable('status_log', (table) => {
    table.bigInteger('version').primary()
    table.text('kind').notNullable()
    table.text('list')
    table.text('data').notNullable()
  })

  await knex.schema.alterTable('sessions', (table) => {
    table.text('status_list')
    table.bigInteger('status_index')
  })
  await knex.schema.dropTable('revoked_access_tokens')
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.createTable('revoked_access_tokens', (table) => {
    table.text('jti').primary()
    table.bigInteger('expires_at').notNullable().index()
  })
  await knex.schema.alterTable('sessions', (table) => {
    table.dropColumns('status_list', 'status_index')
  })
  for (const table of ['status_log', 'status_pending', 'status_blocks', 'status_lists', 'status_state']) {
    await knex.schema.dropTable(table)
  }
}
