import test from 'ava'
import { migrations } from '../../migrations/index.ts'
import { openDatabase } from '../../src/store/database.ts'
import { runMintage } from '../support/child-issuer.ts'
import { postgresServer, usePostgresInstallation } from '../support/postgres-database.ts'

const known = migrations.map(({ name }) => name)

const onPostgres = postgresServer === undefined ? test.skip : test.serial

onPostgres('four processes that migrate at once, from nothing and to an upgrade, all succeed', async (t) => {
  const { database, environment } = await usePostgresInstallation(t)
  const { knex } = openDatabase(database.url)
  t.teardown(() => knex.destroy())
  const migrateByFour = async () => {
    const results = await Promise.all([0, 1, 2, 3].map(() => runMintage(['migrate'], environment)))
    for (const { code, stderr } of results) t.is(code, 0, stderr)
    const applied = await knex('knex_migrations').orderBy('id').pluck('name')
    t.deepEqual(applied, known)
    t.deepEqual(await knex('knex_migrations_lock').pluck('is_locked'), [0])
  }
  await migrateByFour()
  // As the version before left it.
  const latest = migrations.at(-1)
  if (!latest?.down) throw new Error('The latest migration has no way back')
  await latest.down(knex)
  await knex('knex_migrations').where({ name: latest.name }).delete()
  await migrateByFour()
})
