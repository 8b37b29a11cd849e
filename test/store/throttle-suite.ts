import test from 'ava'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { day, hour, minute } from '../../src/lib/durations.ts'
import { DatabaseCounters, MemoryCounters } from '../../src/limits/counters.ts'
import type { Outcome } from '../../src/limits/gate.ts'
import { policies } from '../../src/limits/policy.ts'
import { Throttle } from '../../src/limits/throttle.ts'
import { ThrottledError } from '../../src/limits/throttled-error.ts'
import { StoreUnavailableError } from '../../src/store/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { openTestStore, type TestEngine } from './test-database.ts'

const secret = { id: 1, key: Buffer.alloc(32, 7) }

/** So many failures are let through for one name, and for one client. */
const failures = { user: 10, client: 30 } as const

const wrong: Outcome<string> = { refused: 'usr_1' }
const right: Outcome<string> = { passed: 'yes' }

interface Node {
  /** Tries `name`, and tells how that ended: `refused`, `passed` or `throttled`. */
  try(name: string, outcome: Outcome<string>, network?: string): Promise<string>
  tryClient(name: string, outcome: Outcome<string>, network?: string): Promise<string>
  readonly throttle: Throttle
}

/** One process that counts. */
function openNode(
  t: { teardown(close: () => Promise<void>): void; fail(message: string): unknown },
  store: Store,
  clock: Clock = systemClock,
): Node {
  const throttle = new Throttle({
    store,
    clock,
    secret: () => secret,
    onError: (error) => t.fail(String(error)),
  })
  t.teardown(() => throttle.close())
  const tell = async (trying: () => Promise<Outcome<string>> | Outcome<string>) => {
    try {
      return 'passed' in (await trying()) ? 'passed' : 'refused'
    } catch (error) {
      if (error instanceof ThrottledError) return 'throttled'
      throw error
    }
  }
  return {
    throttle,
    try: (name, outcome, network = '203.0.113.7') =>
      tell(() => throttle.tryPassword({ kind: 'user', name, network }, async () => outcome)),
    tryClient: (name, outcome, network = '203.0.113.7') =>
      tell(() => throttle.trySecret({ kind: 'client', name, network }, () => outcome)),
  }
}

async function use(times: number, attempt: () => Promise<string>): Promise<readonly string[]> {
  const ends: string[] = []
  for (let n = 0; n < times; n++) ends.push(await attempt())
  return ends
}

/** How attempts are counted on any database; where nodes share one, they share their counts. */
export function testThrottling(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}: ${text}`

  test(
    title('row 15: what failed counts, what was good gives back, and what threw is neither'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      const node = openNode(t, store)
      t.deepEqual(await use(failures.user - 1, () => node.try('ada', wrong)), Array(9).fill('refused'))
      t.deepEqual(await use(20, () => node.try('ada', right, '198.51.100.1')), Array(20).fill('passed'))
      const broken = node.throttle.tryPassword(
        { kind: 'user', name: 'ada', network: undefined },
        async () => {
          throw new Error('broken')
        },
      )
      await t.throwsAsync(broken, { message: 'broken' })
      t.is(await node.try('ada', wrong), 'refused')
      t.is(await node.try('ada', right), 'throttled')
      t.is(await node.try('grace', right), 'passed')
    },
  )

  test(
    title('row 15: of simultaneous guesses as many get through as of those one after another'),
    async (t) => {
      const { store, told } = await openTestStore(t, engine)
      const node = openNode(t, store)
      const slowly = async () => {
        await new Promise((resolve) => setImmediate(resolve))
        return wrong
      }
      const guesses = Array.from({ length: 100 }, () =>
        node.throttle
          .tryPassword({ kind: 'user', name: 'ada', network: '203.0.113.7' }, slowly)
          .then(() => 'refused')
          .catch((error) => (error instanceof ThrottledError ? 'throttled' : String(error))),
      )
      const ends = await Promise.all(guesses)
      t.is(ends.filter((end) => end === 'refused').length, failures.user)
      t.is(ends.filter((end) => end === 'throttled').length, 100 - failures.user)
      t.is(told.filter(({ type }) => type === 'login.throttled').length, 1)
    },
  )

  test(
    title('row 15: a stranger who goes on and on keeps nobody out of where they are at home'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      const node = openNode(t, store)
      t.is(await node.try('ada', right, '198.51.100.1'), 'passed')
      const ends = await use((policies.user.requests?.name.most ?? 0) + 20, () => node.try('ada', wrong))
      t.is(ends.filter((end) => end === 'throttled').length, ends.length - failures.user)
      t.is(await node.try('ada', right, '198.51.100.1'), 'passed')
    },
  )

  test(
    title('row 15: what is given back to a window that has ended lets no guess more through'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      const counters = store.counts ? new DatabaseCounters(store.counts) : new MemoryCounters(100)
      const window = 500
      const taken = [await counters.take('k', window), await counters.take('k', window)]
      await eventually(
        async () => Date.now(),
        (now) => now > Math.max(...taken.map(({ until }) => until)) + 100,
      )
      for (const { until } of taken) await counters.giveBack('k', window, until)
      t.is((await counters.take('k', 15 * minute)).count, 1)
      for (const { until } of taken) await counters.giveBack('k', window, until)
      t.is((await counters.take('k', 15 * minute)).count, 2)
    },
  )

  test(title('row 15: what is used up, and where somebody is known, outlives the process'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const node = openNode(t, store)
    t.is(await node.try('ada', right, '198.51.100.1'), 'passed')
    await use(failures.user, () => node.try('ada', wrong))
    await node.throttle.close()
    const restarted = openNode(t, await another())
    t.is(await restarted.try('ada', right), 'throttled')
    t.is(await restarted.try('ada', right, '198.51.100.1'), 'passed')
  })

  test(title('row 15: where somebody was not seen for long they are a stranger again'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const now = Date.now()
    const before = openNode(t, store, { now: () => now - 31 * day })
    t.is(await before.try('ada', right, '198.51.100.1'), 'passed')
    const node = openNode(t, await another(), { now: () => now })
    await use(failures.user, () => node.try('ada', wrong))
    t.is(await node.try('ada', right, '198.51.100.1'), 'throttled')
  })

  test(title('row 15: the networks of one name are the last twenty'), async (t) => {
    const { store } = await openTestStore(t, engine)
    for (let n = 0; n < 25; n++) {
      await store.transaction((tx) => tx.throttles.see('user:a', `net-${n}`, 1_000 + n, 20))
    }
    await store.transaction((tx) => tx.throttles.see('user:b', 'net-0', 1, 20))
    t.is(await store.throttles.seenAt('user:a', 'net-4'), undefined)
    t.is(await store.throttles.seenAt('user:a', 'net-5'), 1_005)
    t.is(await store.throttles.seenAt('user:b', 'net-0'), 1)
  })

  test(title('row 15: clearing reaches every process, and only what was meant'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const other = await another()
    const [one, two] = [openNode(t, store), openNode(t, other)]
    for (const node of [one, two]) {
      await use(failures.user, () => node.try('ada', wrong))
      await use(failures.user, () => node.try('grace', wrong))
      await use(failures.client, () => node.tryClient('web', wrong))
    }
    const [ada] = (await store.throttles.list(Date.now())).filter(({ data }) => data.includes('"name"'))
    t.truthy(ada)
    await store.transaction(async (tx) => {
      const keys = await tx.throttles.keys(ada?.key ?? '')
      await tx.throttles.delete(keys)
      const clearing = { what: 'subject', subject: ada?.key }
      await tx.throttles.insertClearing(JSON.stringify(clearing), tx.now)
      tx.changed('throttles')
    })
    for (const node of [one, two]) {
      const ends = () => Promise.all(['ada', 'grace'].map((name) => node.try(name, right, '198.51.100.9')))
      const sorted = async () => [...(await ends())].sort()
      t.deepEqual(await eventually(sorted, ([first]) => first === 'passed'), ['passed', 'throttled'])
      t.is(await node.tryClient('web', right), 'throttled')
    }
  })

  test(title('row 15: a right secret asks the database nothing as long as nothing has failed'), async (t) => {
    const { store, database } = await openTestStore(t, engine)
    const node = openNode(t, store)
    t.is(await node.tryClient('web', right), 'passed')
    // What is known of its network has been written.
    await node.throttle.close()
    const restore = await database.interrupt()
    t.deepEqual(await use(50, () => node.tryClient('web', right)), Array(50).fill('passed'))
    await restore()
  })

  test(title('what has expired is deleted in batches, and nothing else'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const now = Date.now()
    await store.transaction(async (tx) => {
      for (let n = 0; n < 5; n++) {
        await tx.throttles.upsert({ key: `user:${n}`, data: '{}', since: 0, until: now + (n - 2) * minute })
        await tx.throttles.see(`user:${n}`, 'net', now - n * day, 20)
        await tx.throttles.insertClearing('{}', now - n * hour)
      }
    })
    const limits = { forgotten: now - 2.5 * day, cleared: now - 2.5 * hour }
    t.true(await store.throttles.deleteExpired(now, limits, 2))
    t.false(await store.throttles.deleteExpired(now, limits, 3))
    t.deepEqual((await store.throttles.list(now - hour)).map(({ key }) => key).sort(), [
      'user:2',
      'user:3',
      'user:4',
    ])
    t.is((await store.throttles.clearings(0)).length, 3)
    t.is(await store.throttles.seenAt('user:2', 'net'), now - 2 * day)
    t.is(await store.throttles.seenAt('user:3', 'net'), undefined)
  })

  if (engine.name !== 'sqlite') {
    test(title('row 15: where nobody can say how many failed, nobody is let in'), async (t) => {
      const { store, database } = await openTestStore(t, engine)
      const node = openNode(t, store)
      t.is(await node.try('ada', wrong), 'refused')
      const restore = await database.interrupt()
      let worked = 0
      const attempt = node.throttle.tryPassword(
        { kind: 'user', name: 'grace', network: '203.0.113.8' },
        () => {
          worked++
          return Promise.resolve(right)
        },
      )
      const error = await t.throwsAsync(attempt)
      t.true(error instanceof StoreUnavailableError, String(error))
      t.is(worked, 0)
      await restore()
      t.is(await node.try('grace', right), 'passed')
    })

    test(title('row 15: nodes share their counts'), async (t) => {
      const { store, another } = await openTestStore(t, engine)
      const nodes = [openNode(t, store), openNode(t, await another())] as const
      const guesses = Array.from({ length: 60 }, (_, n) => nodes[n % 2 === 0 ? 0 : 1].try('ada', wrong))
      const ends = await Promise.all(guesses)
      t.is(ends.filter((end) => end === 'refused').length, failures.user)
      for (const node of nodes) t.is(await node.try('ada', right), 'throttled')
    })

    test(title('row 15: a node asks for a client’s failures elsewhere once one failed here'), async (t) => {
      const { store, another } = await openTestStore(t, engine)
      const [one, two] = [openNode(t, store), openNode(t, await another())]
      await use(failures.client, () => one.tryClient('web', wrong))
      t.is(await two.tryClient('web', wrong), 'throttled')
      t.is(await two.tryClient('web', right), 'throttled')
    })
  }
}
