import test, { type ExecutionContext } from 'ava'
import { beginStatusEpoch } from '../../src/status/epoch.ts'
import { StatusFollower } from '../../src/status/follower.ts'
import { StatusUpkeep } from '../../src/status/upkeep.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import type { NumberedChange } from '../../src/store/status-change.ts'
import type { Store } from '../../src/store/store.ts'
import { openTestStore, sqlite } from '../store/test-database.ts'
import { eventually } from '../support/eventually.ts'

const Database = loadSqliteDriver()

interface Followed {
  readonly follower: StatusFollower
  readonly heard: NumberedChange[]
  readonly resets: () => number
}

async function follow(
  t: ExecutionContext,
  store: Store,
  takeKeys: () => Promise<void> = async () => undefined,
): Promise<Followed> {
  const { follower } = await StatusFollower.open({ store, takeKeys, onError: () => undefined })
  t.teardown(() => follower.close())
  const heard: NumberedChange[] = []
  let resets = 0
  follower.follow({
    changed: (changes) => heard.push(...changes),
    reset: () => {
      resets++
    },
  })
  return { follower, heard, resets: () => resets }
}

const size = 10_000
const makeList = (store: Store, neededUntil = 4_000_000_000_000) =>
  store.transaction((tx) =>
    tx.status.reserve({ kind: 'client', owner: 'c', size, listSize: size, newList: 'lst_1', neededUntil }),
  )
const flag = (store: Store, index: number) =>
  store.transaction((tx) => tx.statusLog.flag([{ list: 'lst_1', index }]))

test('every process hears every change once and in order, whoever made it', async (t) => {
  const { store, another } = await openTestStore(t, sqlite)
  const other = await another()
  const followed = [await follow(t, store), await follow(t, other)]
  await makeList(store)
  await Promise.all(Array.from({ length: 40 }, (_, index) => flag(index % 2 === 0 ? store : other, index)))
  for (const { follower, heard, resets } of followed) {
    await eventually(
      async () => heard.length,
      (length) => length === 41,
    )
    t.deepEqual(
      heard.map(({ version }) => version),
      Array.from({ length: 41 }, (_, index) => index + 1),
    )
    t.is(resets(), 0)
    for (let index = 0; index < 41; index++) {
      t.is(follower.board.isRevoked({ list: 'lst_1', index }), index < 40)
    }
  }
})

test('a rolled-back revocation is never heard of', async (t) => {
  const { store } = await openTestStore(t, sqlite)
  const { follower, heard } = await follow(t, store)
  await makeList(store)
  await store
    .transaction(async (tx) => {
      await tx.statusLog.flag([{ list: 'lst_1', index: 1 }])
      throw new Error('no')
    })
    .catch(() => undefined)
  await flag(store, 2)
  await follower.catchUp()
  t.deepEqual(
    heard.map(({ change }) => ('idx' in change ? change.idx : change.kind)),
    ['list', [2]],
  )
  t.false(follower.board.isRevoked({ list: 'lst_1', index: 1 }))
})

test('what was committed by a process that died before it numbered is there at the next start', async (t) => {
  const { store } = await openTestStore(t, sqlite)
  await makeList(store)
  await flag(store, 3)
  t.true((await store.statusLog.position()).isPending)
  const { follower } = await follow(t, store)
  t.true(follower.board.isRevoked({ list: 'lst_1', index: 3 }))
  t.is(follower.board.version, 2)
})

test('an outage delays a revocation and loses none', async (t) => {
  const { store, another, database } = await openTestStore(t, sqlite)
  const { follower, heard } = await follow(t, store)
  const other = await another()
  await makeList(store)
  await flag(other, 4)
  const restore = await database.interrupt()
  await flag(other, 5).catch(() => undefined)
  await restore()
  await flag(other, 6)
  await eventually(
    async () => heard.some(({ change }) => 'idx' in change && change.idx.includes(6)),
    (isThere) => isThere,
  )
  t.true([4, 6].every((index) => follower.board.isRevoked({ list: 'lst_1', index })))
})

test('a process that was away longer than the log reaches back reads everything anew', async (t) => {
  const { store, another } = await openTestStore(t, sqlite)
  await makeList(store)
  for (let index = 0; index < 8; index++) await flag(store, index)
  const { follower } = await follow(t, store)
  // Away: it has not heard of anything since, and is not told.
  const other = await another()
  const { follower: away, resets } = await follow(t, other)
  await other.changes.close()
  for (let index = 8; index < 30; index++) await flag(store, index)
  await follower.catchUp()
  const upkeep = new StatusUpkeep({
    store,
    follower,
    tidy: () => undefined,
    onError: (error) => t.fail(String(error)),
  })
  await upkeep.run(5)
  t.true(((await store.statusLog.oldest()) ?? 0) > 20)
  await away.catchUp()
  t.is(resets(), 1)
  t.is(away.board.version, 31)
  for (let index = 0; index < 31; index++) {
    t.is(away.board.isRevoked({ list: 'lst_1', index }), index < 30)
  }
  // And so does a start.
  const { follower: started } = await follow(t, store)
  t.deepEqual(started.board.lists.get('lst_1'), away.board.lists.get('lst_1'))
})

test('a list that nothing refers to is retired by the upkeep', async (t) => {
  const { store } = await openTestStore(t, sqlite)
  const { follower, heard } = await follow(t, store)
  await makeList(store, 10)
  let tidied = 0
  const upkeep = new StatusUpkeep({
    store,
    follower,
    tidy: () => {
      tidied++
    },
    onError: (error) => t.fail(String(error)),
  })
  await upkeep.run()
  await follower.catchUp()
  t.is(tidied, 1)
  t.deepEqual(
    heard.map(({ change }) => change.kind),
    ['list', 'retired'],
  )
  t.is(follower.board.lists.size, 0)
})

test('in a new epoch no list of before is known', async (t) => {
  const { store } = await openTestStore(t, sqlite)
  await makeList(store)
  const { follower, resets } = await follow(t, store)
  const { epoch } = follower.board
  await store.transaction(beginStatusEpoch)
  await follower.catchUp()
  t.is(resets(), 1)
  t.not(follower.board.epoch, epoch)
  t.true(follower.board.isRevoked({ list: 'lst_1', index: 0 }))
})

test('a database that lost commits takes nothing back that was told, and later revocations are heard', async (t) => {
  const { store, database } = await openTestStore(t, sqlite)
  const { follower, heard } = await follow(t, store)
  await makeList(store)
  for (const index of [1, 2, 3]) await flag(store, index)
  await follower.catchUp()
  t.is(follower.board.version, 4)
  // As after the promotion of a standby that replicated asynchronously.
  const other = new Database(database.url.slice('sqlite:'.length))
  other.exec('DELETE FROM status_log WHERE version > 2; UPDATE status_state SET version = 2')
  other.exec('UPDATE status_lists SET version = 2')
  other.close()
  await flag(store, 4)
  await follower.catchUp()
  await follower.catchUp()
  for (const index of [1, 2, 3, 4]) t.true(follower.board.isRevoked({ list: 'lst_1', index }), String(index))
  t.false(follower.board.isRevoked({ list: 'lst_1', index: 5 }))
  t.true(heard.length > 4)
  // What was written again is there for whoever starts now.
  const late = await follow(t, store)
  for (const index of [1, 2, 3, 4]) t.true(late.follower.board.isRevoked({ list: 'lst_1', index }))
})

test('this process goes by the new keys before it tells that there are new ones', async (t) => {
  const { store } = await openTestStore(t, sqlite)
  const order: string[] = []
  const { follower } = await follow(t, store, async () => {
    await new Promise((resolve) => setImmediate(resolve))
    order.push('taken')
    throw new Error('and keys that cannot be read keep nobody from hearing')
  })
  follower.follow({
    changed: (changes) => order.push(...changes.map(({ change }) => change.kind)),
    reset: () => undefined,
  })
  await store.transaction((tx) => tx.statusLog.append({ kind: 'keys', withdrawn: ['a'] }))
  await follower.catchUp()
  t.deepEqual(order, ['taken', 'keys'])
})

/** As after the promotion of a standby that replicated asynchronously: it has nothing after `version`. */
function loseAfter(url: string, version: number, ...statements: readonly string[]): void {
  const other = new Database(url.slice('sqlite:'.length))
  other.exec(
    `DELETE FROM status_log WHERE version > ${version}; UPDATE status_state SET version = ${version}`,
  )
  other.exec(`UPDATE status_lists SET version = ${version}`)
  for (const statement of statements) other.exec(statement)
  other.close()
}

test('a revocation that got the number of one that was lost is heard, and so is the lost one', async (t) => {
  for (const count of [1, 2, 3]) {
    const { store, another, database } = await openTestStore(t, sqlite)
    const { follower } = await follow(t, store)
    await makeList(store)
    for (const index of [1, 2]) await flag(store, index)
    await follower.catchUp()
    t.is(follower.board.version, 3)
    // Another node numbers what it commits before this one looks: as much as was lost, less and more.
    await store.changes.close()
    loseAfter(database.url, 1)
    const other = await another()
    for (let index = 0; index < count; index++) await flag(other, 11 + index)
    await other.sequenceStatus()
    await follower.catchUp()
    await follower.catchUp()
    for (const index of [1, 2])
      t.true(follower.board.isRevoked({ list: 'lst_1', index }), `${count}: ${index}`)
    for (let index = 0; index < count; index++) {
      t.true(follower.board.isRevoked({ list: 'lst_1', index: 11 + index }), `${count}: ${11 + index}`)
    }
    t.false(follower.board.isRevoked({ list: 'lst_1', index: 14 }))
    // And whoever starts now, or follows another node, knows them all.
    const late = await follow(t, store)
    for (const index of [1, 2, 11]) t.true(late.follower.board.isRevoked({ list: 'lst_1', index }))
  }
})

test('what only one node had heard before it was lost stays revoked, though another made good first', async (t) => {
  const { store, another, database } = await openTestStore(t, sqlite)
  const other = await another()
  const behind = await follow(t, store)
  const ahead = await follow(t, other)
  await makeList(store)
  await flag(store, 1)
  await behind.follower.catchUp()
  await store.changes.close()
  await flag(other, 2)
  await ahead.follower.catchUp()
  await other.changes.close()
  t.deepEqual([behind.follower.board.version, ahead.follower.board.version], [2, 3])
  loseAfter(database.url, 1)
  await behind.follower.catchUp()
  await ahead.follower.catchUp()
  await ahead.follower.catchUp()
  await behind.follower.catchUp()
  for (const { follower } of [ahead, behind]) {
    for (const index of [1, 2]) t.true(follower.board.isRevoked({ list: 'lst_1', index }), String(index))
  }
})
