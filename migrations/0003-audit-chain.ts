import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'

/**
 * What the audit trail is sealed with: each row's stamp, its place in the chain and the seal there; and the head of
 * the chain, which also names the installation. Rows that are there already have no stamp; the first key adopts them.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('audit', (table) => {
    table.text('stamp')
    table.bigInteger('sequence')
    table.text('seal')
  })
  await knex.schema.alterTable('audit', (table) => {
    table.unique(['sequence'], { indexName: 'audit_sequence' })
    table.index(['id'], 'audit_unsealed', { predicate: knex.whereNull('sequence') })
  })

  await knex.schema.createTable('audit_chain', (table) => {
    table.integer('id').primary()
    table.text('installation').notNullable()
    table.text('epoch').notNullable()
    table.bigInteger('key')
    table.bigInteger('adopted').notNullable()
    table.bigInteger('sequence').notNullable()
    table.text('seal').notNullable()
    table.text('checkpoint')
  })
  await knex('audit_chain').insert({
    id: 1,
    installation: `ins_${randomBytes(16).toString('base64url')}`,
    epoch: randomBytes(12).toString('base64url'),
    key: null,
    adopted: 0,
    sequence: 0,
    seal: '',
    checkpoint: null,
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('audit_chain')
  await knex.schema.alterTable('audit', (table) => {
    table.dropIndex(['id'], 'audit_unsealed')
    table.dropUnique(['sequence'], 'audit_sequence')
  })
  await knex.schema.alterTable('audit', (table) => {
    table.dropColumns('stamp', 'sequence', 'seal')
  })
}
