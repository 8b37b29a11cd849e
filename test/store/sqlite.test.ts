import { stat } from 'node:fs/promises'
import test from 'ava'
import { openDatabase } from '../../src/store/database.ts'
import { StoreUnavailableError } from '../../src/store/errors.ts'
import { Store } from '../../src/store/store.ts'
import { runMintage } from '../support/child-issuer.ts'
import { testAudit } from './audit-suite.ts'
import { testBehaviour } from './behaviour-suite.ts'
import { testConcurrency } from './concurrency-suite.ts'
import { testFailedAttempts } from './failed-attempts-suite.ts'
import { testInspection } from './inspection-suite.ts'
import { step } from './redeeming.ts'
import { testStatus } from './status-suite.ts'
import { testTables } from './table-suite.ts'
import { insertSession, openTestStore, session, sqlite } from './test-database.ts'
import { testThrottling } from './throttle-suite.ts'

testTables(sqlite)
testBehaviour(sqlite)
testConcurrency(sqlite)
testAudit(sqlite)
testFailedAttempts(sqlite)
testStatus(sqlite)
testThrottling(sqlite)
testInspection(sqlite)

test('sqlite: redemptions that wait together share one commit and one moment', async (t) => {
  let moment = 0
  const { store } = await openTestStore(t, sqlite, { now: () => moment++ })
  await insertSession(store, session('a'))
  const moments = await Promise.all(
    Array.from({ length: 40 }, () => store.redeem('handle-a', (_found, now) => ({ outcome: now }))),
  )
  t.is(new Set(moments).size, 1)
})

test('sqlite: all who wait for a lock are turned away at one deadline, however many they are', async (t) => {
  const { store, database } = await openTestStore(t, sqlite)
  await insertSession(store, session('a'))
  const restore = await database.interrupt()
  let refused = 0
  const redeeming = Array.from({ length: 300 }, () =>
    store.redeem('handle-a', step).catch((error: unknown) => {
      t.true(error instanceof StoreUnavailableError)
      refused++
    }),
  )
  await Promise.race(redeeming)
  await new Promise((resolve) => setImmediate(resolve))
  t.is(refused, 300)
  await restore()
  await Promise.all(redeeming)
  t.is((await store.sessions.findByHandle('handle-a'))?.generation, 0)
})

test('sqlite: the database file is readable by its owner alone', async (t) => {
  const { database } = await openTestStore(t, sqlite)
  for (const suffix of ['', '-wal', '-shm']) {
    const { mode } = await stat(database.url.slice('sqlite:'.length) + suffix)
    t.is(mode & 0o777, 0o600, suffix)
  }
})

test('sqlite: processes that migrate one empty database at once all succeed', async (t) => {
  const database = await sqlite.open()
  t.teardown(() => database.drop())
  const results = await Promise.all(
    [0, 1, 2, 3].map(() => runMintage(['migrate'], { MINTAGE_DATABASE_URL: database.url })),
  )
  for (const { code, stderr } of results) t.is(code, 0, stderr)
})

test('sqlite: a transaction that finds the disk full is an outage, and changes nothing', async (t) => {
  const { store, database } = await openTestStore(t, sqlite)
  const small = openDatabase(database.url)
  const { knex } = small
  t.teardown(() => knex.destroy())
  const [{ page_count: pages }] = await knex.raw('PRAGMA page_count')
  const full = new Store(small, { url: database.url })
  await knex.raw(`PRAGMA max_page_count = ${pages}`)
  const fill = full.transaction(async (tx) => {
    for (let n = 0; n < 100; n++) {
      await tx.record({ type: 'user.created', user: `usr_${n}_${'x'.repeat(1_000)}` })
    }
  })
  await t.throwsAsync(fill, { instanceOf: StoreUnavailableError, message: /full/ })
  t.deepEqual(await store.audit.tail(10), [])
})
