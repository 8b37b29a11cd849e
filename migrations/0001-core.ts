import type { Knex } from 'knex'

/** Times are milliseconds since the epoch; lists and free claims are JSON text; ids are random and never change. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('changes', (table) => {
    table.text('topic').primary()
    table.bigInteger('version').notNullable()
  })

  await knex.schema.createTable('clients', (table) => {
    table.text('id').primary()
    table.text('client_id').notNullable().unique()
    table.text('name').notNullable()
    table.integer('public').notNullable()
    table.text('grants').notNullable()
    table.text('scopes')
    table.text('audiences')
    table.text('claims').notNullable()
    table.bigInteger('access_token_ttl')
    table.bigInteger('session_idle_ttl')
    table.bigInteger('session_ttl')
    table.bigInteger('retry_window')
    table.bigInteger('disabled_at')
    table.bigInteger('tokens_void_until').notNullable()
    table.bigInteger('created_at').notNullable()
    table.bigInteger('updated_at').notNullable()
  })

  await knex.schema.createTable('client_secrets', (table) => {
    table.text('id').primary()
    table.text('client').notNullable().references('id').inTable('clients').onDelete('CASCADE').index()
    table.text('digest').notNullable()
    table.bigInteger('created_at').notNullable()
    table.bigInteger('expires_at')
  })

  await knex.schema.createTable('apis', (table) => {
    table.text('id').primary()
    table.text('audience').notNullable().unique()
    table.text('scopes').notNullable()
    table.bigInteger('access_token_ttl')
    table.text('typ').notNullable()
    table.text('claims_preset').notNullable()
    table.text('introspection_client').references('id').inTable('clients').onDelete('SET NULL')
    table.bigInteger('created_at').notNullable()
    table.bigInteger('updated_at').notNullable()
  })

  await knex.schema.createTable('users', (table) => {
    table.text('id').primary()
    table.text('username').notNullable().unique()
    table.text('email')
    table.text('email_key').index()
    table.text('claims').notNullable()
    table.text('password')
    table.integer('password_normalised').notNullable()
    table.bigInteger('password_changed_at').notNullable()
    table.bigInteger('disabled_at')
    table.bigInteger('created_at').notNullable()
    table.bigInteger('updated_at').notNullable()
  })

  // A session outlives its client and its user as a tombstone, so it refers to them without a foreign key.
  await knex.schema.createTable('sessions', (table) => {
    table.text('handle').primary()
    table.text('sid').notNullable().unique()
    table.text('client').notNullable().index()
    table.text('user').notNullable().index()
    table.text('scope').notNullable()
    table.text('audience').notNullable()
    table.bigInteger('generation').notNullable()
    table.bigInteger('mac_key').notNullable()
    table.bigInteger('rotated_at').notNullable()
    table.text('retry_key')
    table.text('attempt')
    table.bigInteger('created_at').notNullable()
    table.bigInteger('idle_expires_at').notNullable()
    table.bigInteger('expires_at').notNullable()
    table.bigInteger('ended_at')
    table.text('end_reason')
  })

  await knex.schema.createTable('revoked_access_tokens', (table) => {
    table.text('jti').primary()
    table.bigInteger('expires_at').notNullable().index()
  })

  await knex.schema.createTable('key_ring', (table) => {
    table.integer('id').primary()
    table.bigInteger('version').notNullable()
    table.bigInteger('longest_max_age').notNullable()
    table.bigInteger('longest_token_life').notNullable()
    table.bigInteger('longest_idle').notNullable()
  })
  await knex('key_ring').insert({
    id: 1,
    version: 0,
    longest_max_age: 0,
    longest_token_life: 0,
    longest_idle: 0,
  })

  await knex.schema.createTable('signing_keys', (table) => {
    table.text('kid').primary()
    table.text('state').notNullable()
    table.integer('bits').notNullable()
    table.text('public_jwk').notNullable()
    table.bigInteger('created_at').notNullable()
    table.bigInteger('published_at').notNullable()
    table.bigInteger('activated_at')
    table.bigInteger('retired_at')
    table.bigInteger('removable_at')
    table.bigInteger('withdrawn_at')
    table.integer('revoked').notNullable()
  })

  await knex.schema.createTable('mac_keys', (table) => {
    table.bigInteger('id').primary()
    table.text('state').notNullable()
    table.bigInteger('created_at').notNullable()
    table.bigInteger('retired_at')
    table.bigInteger('removable_at')
    table.bigInteger('withdrawn_at')
  })

  await knex.schema.createTable('audit', (table) => {
    table.bigIncrements('id')
    table.bigInteger('at').notNullable()
    table.text('type').notNullable()
    table.text('data').notNullable()
  })
}

export async function down(knex: Knex): Promise<void> {
  for (const table of [
    'audit',
    'mac_keys',
    'signing_keys',
    'key_ring',
    'revoked_access_tokens',
    'sessions',
    'users',
    'apis',
    'client_secrets',
    'clients',
    'changes',
  ]) {
    await knex.schema.dropTable(table)
  }
}
