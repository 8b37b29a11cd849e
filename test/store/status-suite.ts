import test from 'ava'
import { StoreUnavailableError } from '../../src/store/errors.ts'
import { type StatusBlock, sessionsOwner } from '../../src/store/status-table.ts'
import type { Store } from '../../src/store/store.ts'
import { insertSession, openTestStore, session, type TestEngine } from './test-database.ts'

const request = { kind: 'client', owner: 'cli_1', size: 10, listSize: 64, neededUntil: 1_000 } as const

let lists = 0
function reserve(
  store: Store,
  changes: { owner?: string; kind?: 'client' | 'session'; neededUntil?: number } = {},
) {
  return store.transaction((tx) => tx.status.reserve({ ...request, newList: `lst_${lists++}`, ...changes }))
}

/** As whoever is asked to come again does. */
async function comingAgain<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
    }
  }
}

async function versions(store: Store): Promise<readonly number[]> {
  return (await store.statusLog.read(0, 10_000)).map(({ version }) => version)
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** That places are given out once, and that what is committed is numbered once, on any database. */
export function testStatus(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}: ${text}`

  test(
    title('blocks that two processes reserve at once never overlap, and lists are filled to the end'),
    async (t) => {
      const { store, another } = await openTestStore(t, engine)
      const other = await another()
      const blocks: StatusBlock[] = []
      await Promise.all(
        [store, other].map(async (each) => {
          for (let n = 0; n < 10; n++) blocks.push(await comingAgain(() => reserve(each)))
        }),
      )
      const places = blocks.flatMap(({ list, start, size }) =>
        Array.from({ length: size }, (_, index) => `${list} ${start + index}`),
      )
      t.is(new Set(places).size, places.length)
      t.true(blocks.every(({ start, size }) => start + size <= 64))
      for (const { size, allocated } of (await store.status.list()).slice(0, -1)) t.true(allocated <= size)
      t.not((await reserve(store, { kind: 'session' })).list, (await reserve(store)).list)
    },
  )

  test(title('changes of two processes at once are numbered without a gap and without loss'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const other = await another()
    const { list } = await reserve(store)
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const one = index % 2 === 0 ? store : other
        await one.transaction((tx) => tx.statusLog.flag([{ list, index }]))
        await one.sequenceStatus()
      }),
    )
    t.deepEqual(await store.statusLog.position(), {
      ...(await other.statusLog.position()),
      version: 31,
      isPending: false,
    })
    t.deepEqual(await versions(store), upTo(31))
    const flagged = (await store.statusLog.read(1, 100)).flatMap(({ change }) =>
      'idx' in change ? change.idx : [],
    )
    t.deepEqual(
      [...flagged].sort((a, b) => a - b),
      Array.from({ length: 30 }, (_, index) => index),
    )
  })

  test(title('what a process committed and did not number is numbered by the next one'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const { list } = await reserve(store)
    await store.transaction((tx) => tx.statusLog.flag([{ list, index: 5 }]))
    t.deepEqual(await versions(store), [])
    const next = await another()
    t.like(await next.sequenceStatus(), { version: 2, isPending: false })
    t.deepEqual(await next.statusLog.read(1, 10), [
      { version: 2, change: { kind: 'revoked', list, idx: [5] } },
    ])
    t.like(await store.sequenceStatus(), { version: 2 })
  })

  test(title('a transaction that is rolled back has changed no status'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const { list } = await reserve(store)
    await store.sequenceStatus()
    await t.throwsAsync(
      store.transaction(async (tx) => {
        await tx.statusLog.flag([{ list, index: 5 }])
        throw new Error('no')
      }),
      { message: 'no' },
    )
    t.like(await store.sequenceStatus(), { version: 1, isPending: false })
  })

  test(title('a session that ends revokes its place in the same transaction, however it ends'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const { list } = await reserve(store, { kind: 'session', owner: sessionsOwner })
    for (const [name, index] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const) {
      await insertSession(store, session(name, { status: { list, index }, user: `usr_${name}` }))
    }
    await insertSession(store, session('old', { user: 'usr_a' }))
    await store.sequenceStatus()
    t.is(await store.transaction((tx) => tx.sessions.end({ user: 'usr_a' }, 'user_disabled', 1)), 2)
    t.is(await store.transaction((tx) => tx.sessions.end({ user: 'usr_a' }, 'user_disabled', 1)), 0)
    await store.redeem('handle-b', () => ({ outcome: 1, write: { kind: 'end', reason: 'reuse', at: 1 } }))
    t.true(
      await store.transaction((tx) =>
        tx.sessions.moveStatus('ses_c', { list, index: 3 }, { list, index: 4 }),
      ),
    )
    t.false(
      await store.transaction((tx) =>
        tx.sessions.moveStatus('ses_c', { list, index: 3 }, { list, index: 5 }),
      ),
    )
    t.deepEqual((await store.sessions.findBySid('ses_c'))?.status, { list, index: 4 })
    await store.sequenceStatus()
    t.deepEqual(
      (await store.statusLog.read(1, 10)).map(({ change }) => ('idx' in change ? change.idx : change.kind)),
      [[1], [2], [3]],
    )
    t.is(await store.transaction((tx) => tx.sessions.end('all', 'revoked_by_operator', 2)), 1)
    await store.sequenceStatus()
    t.deepEqual((await store.statusLog.read(4, 10))[0]?.change, { kind: 'revoked', list, ranges: [[0, 9]] })
  })

  test(title('an owner’s blocks are revoked as ranges, and not held any more'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const first = await reserve(store)
    const foreign = await reserve(store, { owner: 'cli_2' })
    await reserve(store)
    await reserve(store)
    await store.transaction((tx) => tx.status.revokeBlocks('cli_1'))
    t.false(await store.status.isHeld(first))
    t.true(await store.status.isHeld(foreign))
    await store.sequenceStatus()
    const ranges = [
      [0, 9],
      [20, 39],
    ]
    t.deepEqual((await store.statusLog.read(1, 10))[0]?.change, { kind: 'revoked', list: first.list, ranges })
  })

  test(
    title('a list is retired when it is full and nothing refers to it, and forgets what comes later'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      const blocks = []
      for (let n = 0; n < 7; n++) blocks.push(await reserve(store, { neededUntil: 1_000 + n }))
      const [full, open] = [blocks[0]?.list ?? '', blocks.at(-1)?.list]
      t.is(open, full, 'the last block of a list is what is left of it')
      t.false(await store.status.isAnyNeedless(1_006))
      t.true(await store.status.isAnyNeedless(1_007))
      t.deepEqual(await store.transaction((tx) => tx.status.retire(1_007)), [full])
      await store.transaction((tx) => tx.statusLog.flag([{ list: full, index: 1 }]))
      await store.sequenceStatus()
      t.deepEqual(
        (await store.statusLog.read(0, 10)).map(({ change }) => change.kind),
        ['list', 'retired'],
      )
      t.not((await reserve(store)).list, full)
    },
  )

  test(title('the log is pruned where the bits are kept, and nowhere else'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const { list } = await reserve(store)
    const other = await reserve(store, { kind: 'session' })
    for (const place of [list, other.list]) {
      await store.transaction((tx) => tx.statusLog.flag([{ list: place, index: 1 }]))
    }
    await store.sequenceStatus()
    t.deepEqual([...(await store.status.unsaved())].sort(), [list, other.list].sort())
    await store.status.saveBits(list, Buffer.from([1, 2, 3]), 4)
    await store.status.saveBits(list, Buffer.from([9]), 2)
    t.deepEqual((await store.status.list()).find(({ id }) => id === list)?.bits, Buffer.from([1, 2, 3]))
    await store.statusLog.prune(4)
    t.deepEqual(await versions(store), [2, 4])
    t.is(await store.statusLog.oldest(), 2)
  })

  test(title('a new epoch knows no list of before'), async (t) => {
    const { store } = await openTestStore(t, engine)
    await reserve(store)
    const before = await store.sequenceStatus()
    await store.transaction((tx) => tx.status.beginEpoch('another'))
    const { version } = before
    const after = { epoch: 'another', version, isPending: false, last: null }
    t.deepEqual(await store.sequenceStatus(), after)
    t.deepEqual(await store.status.list(), [])
    t.deepEqual(await versions(store), [])
  })
}
