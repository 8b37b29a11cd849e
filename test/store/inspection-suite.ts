import test from 'ava'
import { openDatabase } from '../../src/store/database.ts'
import { inspectDatabase } from '../../src/store/inspection.ts'
import { openTestStore, type TestEngine } from './test-database.ts'

/** Looking at a database of the engine, without changing it. */
export function testInspection(engine: TestEngine): void {
  test(`${engine.name}: an empty database is told as such, and stays empty`, async (t) => {
    const database = await engine.open()
    t.teardown(() => database.drop())
    for (let times = 0; times < 2; times++) {
      const facts = await inspectDatabase(database.url)
      if (engine.name === 'sqlite') t.is(facts, undefined)
      else t.true((facts?.missingMigrations.length ?? 0) > 0 && facts?.ring === undefined)
    }
  })

  test(`${engine.name}: what is there is told beside a process that uses it`, async (t) => {
    const { store, database } = await openTestStore(t, engine)
    const before = await inspectDatabase(database.url)
    t.true(before?.engine === engine.name)
    t.deepEqual([before?.missingMigrations, before?.unknownMigrations], [[], []])
    t.is(before?.ring?.version, 0)
    t.deepEqual([before?.unwritable, before?.damage, before?.lastChange], [undefined, undefined, undefined])
    t.regex(before?.version ?? '', /^\d+\.\d+/)
    const written = await store.transaction(async (tx) => {
      await tx.record({ type: 'sessions.revoked', reason: 'revoked_by_operator', count: 1 })
      return tx.now
    })
    const after = await inspectDatabase(database.url)
    t.is(after?.lastChange, written)
    if (after?.clock) t.true(Math.abs(after.clock.now - written) < 60_000)
    else t.is(engine.name, 'sqlite')
  })

  test(`${engine.name}: a database of a newer version is told by what it has`, async (t) => {
    const { database } = await openTestStore(t, engine)
    const { knex } = openDatabase(database.url)
    await knex('knex_migrations').insert({ name: '9999-later', batch: 2, migration_time: new Date() })
    await knex.destroy()
    t.deepEqual((await inspectDatabase(database.url))?.unknownMigrations, ['9999-later'])
  })

  if (engine.name !== 'postgres') return
  test('postgres: a database that takes no writes is told as such', async (t) => {
    const { database } = await openTestStore(t, engine)
    const { knex } = openDatabase(database.url)
    const name = new URL(database.url).pathname.slice(1)
    await knex.raw('ALTER DATABASE ?? SET default_transaction_read_only = on', [name])
    await knex.destroy()
    t.regex((await inspectDatabase(database.url))?.unwritable ?? '', /default_transaction_read_only is on/)
  })
}
