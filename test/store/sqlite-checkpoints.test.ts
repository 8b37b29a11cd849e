import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openDatabase } from '../../src/store/database.ts'
import { eventually } from '../support/eventually.ts'
import { makeDirectory } from '../support/installation.ts'
import { step } from './redeeming.ts'
import { insertSession, openTestStore, session, sqlite } from './test-database.ts'

/** More than are needed for one, and too few to fill the log. */
const redemptions = 2_100

async function redeemOften(t: ExecutionContext) {
  const { store, database } = await openTestStore(t, sqlite)
  await insertSession(store, session('a'))
  for (let count = 0; count < redemptions; count++) await store.redeem('handle-a', step)
  return { store, file: database.url.slice('sqlite:'.length) }
}

test('sqlite: after many redemptions the log is written back, beside those that go on', async (t) => {
  const { file } = await redeemOften(t)
  const copy = join(makeDirectory(t), 'copy.db')
  const readWithoutLog = async () => {
    copyFileSync(file, copy)
    const { knex } = openDatabase(`sqlite:${copy}`)
    // A copy of what is just being written need not be a database.
    const found = await knex('sessions')
      .where({ handle: 'handle-a' })
      .first('generation')
      .catch(() => undefined)
    await knex.destroy()
    return Number(found?.generation ?? 0)
  }
  const generation = await eventually(readWithoutLog, (written) => written > 0)
  t.true(generation > 0 && generation <= redemptions, `${generation}`)
})

test('sqlite: a store that is closed leaves no log behind, though it is being written back', async (t) => {
  const { store, file } = await redeemOften(t)
  await store.close()
  t.deepEqual(
    ['', '-wal', '-shm'].map((suffix) => existsSync(file + suffix)),
    [true, false, false],
  )
})
