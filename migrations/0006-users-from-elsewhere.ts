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
  const taken = new Set<string>()
  for (const { id, claims } of await knex('users')
    .where('claims', 'like', '%"user_id"%')
    .select('id', 'claims')) {
    const userId: unknown = JSON.parse(claims).user_id
    if ((typeof userId !== 'string' && typeof userId !== 'number') || taken.has(String(userId))) continue
    taken.add(String(userId))
    await knex('users')
      .where({ id })
      .update({ user_id_claim: String(userId) })
  }
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
