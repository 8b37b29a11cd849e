import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { StoreUnavailableError } from '../../src/store/errors.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { endForReuse, type Stepped, step } from './redeeming.ts'
import { client, user } from './table-suite.ts'
import { insertSession, openTestStore, session, type TestEngine } from './test-database.ts'

/** How redemptions, transactions and first starts behave when several want the same, on any database. */
export function testConcurrency(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}: ${text}`

  test(title('a redemption sees the session, its client and its user, or that they are gone'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const look = () => store.redeem('handle-a', (found) => ({ outcome: found }))
    t.is(await look(), undefined)
    await insertSession(store, session('a'))
    t.deepEqual(await look(), { session: session('a'), client: undefined, user: undefined })
    await store.clients.insert(client)
    await store.users.insert(user)
    const { username, email, claims } = user
    t.deepEqual(await look(), {
      session: session('a'),
      client: { disabled: false },
      user: { disabled: false, username, email, claims },
    })
    await store.clients.update({ ...client, disabledAt: 1 })
    await store.users.update({ ...user, disabledAt: 1 })
    t.deepEqual(await look(), {
      session: session('a'),
      client: { disabled: true },
      user: { disabled: true, username, email, claims },
    })
  })

  test(
    title('a redemption has written its row, its audit row and nothing else when it answers'),
    async (t) => {
      const { store, told, another } = await openTestStore(t, engine)
      const other = await another()
      await insertSession(store, session('a'))
      await insertSession(store, session('b'))
      t.is(await store.redeem('handle-a', step), 1)
      const a = await other.sessions.findByHandle('handle-a')
      t.like(a, { generation: 1, macKey: 7, retryKey: 'key', attempt: 'attempt-0', endedAt: null })
      t.is(a?.idleExpiresAt, (a?.rotatedAt ?? 0) + 1_000)
      t.deepEqual(await other.audit.tail(10), [])
      t.is(await store.redeem('handle-a', endForReuse), 'reused')
      t.like(await other.sessions.findByHandle('handle-a'), { generation: 1, endReason: 'reuse' })
      t.deepEqual(
        (await other.audit.tail(10)).map(({ event }) => event.type),
        ['session.reused'],
      )
      t.deepEqual(await other.sessions.findByHandle('handle-b'), session('b'))
      t.deepEqual(
        told.map(({ type }) => type),
        ['session.refreshed', 'session.reused'],
      )
    },
  )

  test(title('a decision that throws fails alone: those beside it are committed'), async (t) => {
    const { store, told } = await openTestStore(t, engine)
    for (const name of ['a', 'b', 'c']) await insertSession(store, session(name))
    const refuse = () => {
      throw new Error('on purpose')
    }
    const [a, b, c] = await Promise.allSettled([
      store.redeem('handle-a', step),
      store.redeem('handle-b', refuse),
      store.redeem('handle-c', step),
    ])
    t.deepEqual(
      [a, c],
      [{ status: 'fulfilled', value: 1 } as const, { status: 'fulfilled', value: 1 } as const],
    )
    t.is(b.status === 'rejected' && b.reason.message, 'on purpose')
    t.is((await store.sessions.findByHandle('handle-b'))?.generation, 0)
    t.is(told.length, 2)
  })

  test(title('row 19: two stores that redeem one session at once step it once each time'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const stores = [store, await another()]
    await insertSession(store, session('a'))
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => stores[index % 2]?.redeem('handle-a', step)),
    )
    const expected = Array.from({ length: 200 }, (_, index) => index + 1)
    t.deepEqual(
      answers.toSorted((a, b) => Number(a) - Number(b)),
      expected,
    )
    t.is((await store.sessions.findByHandle('handle-a'))?.generation, 200)
  })

  test(title('row 19: nothing is redeemed once a revocation beside it was committed'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const other = await another()
    for (let round = 0; round < 20; round++) {
      const name = `round-${round}`
      await insertSession(store, session(name))
      const redeemed: Promise<Stepped>[] = []
      for (let count = 0; count < 5; count++) redeemed.push(store.redeem(`handle-${name}`, step))
      await other.transaction((tx) => tx.sessions.end({ sid: `ses_${name}` }, 'revoked_by_client', tx.now))
      const after = await Promise.all([0, 1].map(() => store.redeem(`handle-${name}`, step)))
      t.deepEqual(after, ['ended', 'ended'])
      const steps = (await Promise.all(redeemed)).filter((outcome) => outcome !== 'ended')
      t.is((await other.sessions.findByHandle(`handle-${name}`))?.generation, steps.length)
    }
  })

  test(
    title('a redemption waits for a transaction that has the session, and sees what it did'),
    async (t) => {
      const { store, another } = await openTestStore(t, engine)
      const other = await another()
      await insertSession(store, session('a'))
      const { locked, release, done } = lock(other)
      await locked
      let answered = false
      const redeemed = store.redeem('handle-a', step).finally(() => {
        answered = true
      })
      await delay(100)
      t.false(answered)
      release()
      await done
      t.is(await redeemed, 'ended')
    },
  )

  test(title('transactions that read and then write lose nothing to each other'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const stores = [store, await another()]
    await store.users.insert({ ...user, claims: { count: 0 } })
    const increment = (on: Store | undefined) =>
      on?.transaction(async (tx) => {
        const found = await tx.users.findById(user.id)
        if (!found) throw new Error('The user is gone')
        await tx.users.update({ ...found, claims: { count: Number(found.claims['count']) + 1 } })
      })
    for (let round = 0; round < 10; round++) {
      await Promise.all([0, 1].map((index) => increment(stores[index])))
    }
    t.deepEqual((await store.users.findById(user.id))?.claims, { count: 20 })
  })

  test(title('while the database is away nothing is written, and all is well when it is back'), async (t) => {
    const { store, told, database } = await openTestStore(t, engine)
    await insertSession(store, session('a'))
    const restore = await database.interrupt()
    const redeeming = store.redeem('handle-a', step)
    const ending = store.transaction(async (tx) => {
      await tx.sessions.end({ sid: 'ses_a' }, 'reuse', tx.now)
      await tx.record({ type: 'session.revoked', sid: 'ses_a', reason: 'reuse' })
    })
    const [redeemed, ended] = await Promise.allSettled([redeeming, ending])
    t.true(redeemed.status === 'rejected' && redeemed.reason instanceof StoreUnavailableError)
    t.true(ended.status === 'rejected' && ended.reason instanceof StoreUnavailableError)
    t.false(await store.isUsable())
    await restore()
    t.deepEqual(await store.sessions.findByHandle('handle-a'), session('a'))
    t.deepEqual(told, [])
    t.true(await store.isUsable())
    t.is(await store.redeem('handle-a', step), 1)
  })

  test(title('the window of a retry counts from when the database was back'), async (t) => {
    const { store, database } = await openTestStore(t, engine)
    await insertSession(store, session('a'))
    const began = await store.now()
    store.availability.begin(began)
    const since = () =>
      store.redeem('handle-a', (_found, now, servingSince) => ({ outcome: { now, servingSince } }))
    t.is((await since()).servingSince, began)
    const restore = await database.interrupt()
    await t.throwsAsync(since(), { instanceOf: StoreUnavailableError })
    await restore()
    const first = await since()
    t.is(first.servingSince, first.now)
    const second = await since()
    t.true(second.servingSince >= first.now && second.servingSince <= second.now)
  })

  test(title('several stores that start at once on an empty database make one schema'), async (t) => {
    const database = await engine.open()
    t.teardown(() => database.drop())
    const stores = await Promise.all([0, 1, 2, 3].map(() => openStore({ url: database.url })))
    await insertSession(stores[0] as Store, session('a'))
    for (const store of stores) t.deepEqual(await store.sessions.findBySid('ses_a'), session('a'))
    for (const store of stores) await store.close()
  })

  test(title('of many changes at once the last one is never missed'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const watching = await another()
    await store.users.insert({ ...user, claims: { count: 0 } })
    const last = new Promise<void>((resolve) => {
      watching.changes.on('clients', async () => {
        if ((await watching.users.findById(user.id))?.claims['count'] === 29) resolve()
      })
    })
    for (let count = 0; count < 30; count++) {
      await store.transaction(async (tx) => {
        await tx.users.update({ ...user, claims: { count } })
        tx.changed('clients')
      })
      if (count % 10 === 0) await delay(30)
    }
    await t.notThrowsAsync(last)
  })
}

/** A transaction that ends the session `a` and commits only when it is released. */
function lock(store: Store): {
  readonly locked: Promise<void>
  readonly release: () => void
  readonly done: Promise<unknown>
} {
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let done: Promise<unknown> = released
  const locked = new Promise<void>((resolve) => {
    done = store.transaction(async (tx) => {
      await tx.sessions.end({ sid: 'ses_a' }, 'revoked_by_client', tx.now)
      resolve()
      await released
    })
  })
  return { locked, release, done }
}
