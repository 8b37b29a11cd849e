import test, { type ExecutionContext } from 'ava'
import { systemClock } from '../../src/lib/clock.ts'
import { day } from '../../src/lib/durations.ts'
import { type FailedAttempt, FailedAttempts } from '../../src/store/audit/failed-attempts.ts'
import { UnknownCommitError } from '../../src/store/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { openTestStore, type TestEngine } from './test-database.ts'

type FailedLogin = Extract<FailedAttempt, { readonly type: 'login.failed' }>

const refused: FailedLogin = { type: 'login.failed', reason: 'password', client: 'web', user: 'usr_ada' }
const unknown: FailedLogin = { type: 'login.failed', reason: 'unknown', client: 'web' }

/** What the rows tell of failed attempts. */
async function readRows(store: Store): Promise<readonly FailedAttempt[]> {
  return (await store.audit.tail(10_000)).map(({ event }) => event as FailedAttempt)
}

function sum(rows: readonly FailedAttempt[]): number {
  return rows.reduce((total, { count = 1 }) => total + count, 0)
}

/** Failed attempts, on any database: the first as rows, the rest as counts, none missing. */
export function testFailedAttempts(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}: ${text}`

  async function open(t: ExecutionContext) {
    const stores = await openTestStore(t, engine)
    const follow = (store: Store, window: number = day) => {
      const failures = new FailedAttempts({
        store,
        clock: systemClock,
        onError: (error) => t.fail(String(error)),
        window,
      })
      t.teardown(() => failures.close())
      return failures
    }
    return { ...stores, follow }
  }

  test(
    title('security 39: the first failures of a name are rows, the rest one row that counts them'),
    async (t) => {
      const { store, told, follow } = await open(t)
      const failures = follow(store)
      await Promise.all(Array.from({ length: 40 }, () => failures.tell(refused, 'ada')))
      t.deepEqual(await readRows(store), Array(5).fill(refused), 'those are committed when they are told')
      t.deepEqual(told, Array(40).fill(refused), 'each attempt has a log line and counts')
      const before = Date.now()
      await failures.close()
      const rows = await readRows(store)
      t.is(rows.length, 6)
      t.like(rows[5], { ...refused, count: 35, names: 1 })
      t.true((rows[5]?.firstAt ?? Number.NaN) <= (rows[5]?.lastAt ?? Number.NaN))
      t.true((rows[5]?.lastAt ?? Number.NaN) <= before)
      t.is(told.length, 40, 'the row that counts them is told nowhere else')
    },
  )

  test(
    title('security 39: invented names write no row each, and none of the attempts is missing'),
    async (t) => {
      const { store, told, follow } = await open(t)
      const failures = follow(store)
      for (let n = 0; n < 2_000; n += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, i) => failures.tell(unknown, `name-${n + i}`)))
      }
      // As many users as were never counted apart.
      for (let n = 0; n < 500; n++) await failures.tell({ ...refused, user: `usr_${n}` }, `user-${n}`)
      await failures.close()
      const rows = await readRows(store)
      t.true(rows.length <= 301, `${rows.length} rows`)
      t.is(sum(rows), 2_500)
      t.is(sum(rows.filter(({ reason }) => reason === 'unknown')), 2_000)
      t.like(
        rows.find(({ reason, count }) => reason === 'unknown' && count !== undefined),
        {
          count: 1_900,
          names: 1_900,
        },
      )
      t.is(told.length, 2_500)
      t.false(JSON.stringify(rows).includes('name-'), 'what strangers typed stands nowhere')
    },
  )

  test(title('a window that is over is written, and another begins'), async (t) => {
    const { store, follow } = await open(t)
    const failures = follow(store, 100)
    for (const round of [1, 2]) {
      await Promise.all(Array.from({ length: 7 }, () => failures.tell(unknown, 'nobody')))
      const rows = await eventually(
        () => readRows(store),
        (found) => sum(found) === round * 7,
      )
      t.deepEqual(
        rows.flatMap(({ count }) => count ?? []),
        Array(round).fill(2),
      )
    }
  })

  test(title('nodes count for themselves, and their rows add up'), async (t) => {
    const { store, another, follow } = await open(t)
    const nodes = [follow(store), follow(await another())]
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => nodes[n % 2]?.tell({ ...refused, user: 'usr_bob' }, 'bob')),
    )
    for (const node of nodes) await node.close()
    const rows = await readRows(store)
    t.is(sum(rows), 60)
    t.is(rows.length, 12)
  })

  test(title('what cannot be written now is written when it can'), async (t) => {
    const { store, database, told, follow } = await open(t)
    const failures = follow(store)
    const restore = await database.interrupt()
    await failures.tell(refused, 'ada')
    t.deepEqual(told, [refused])
    await restore()
    await failures.close()
    t.like(await readRows(store), [{ ...refused, count: 1 }])
  })

  test(title('a row whose commit is in doubt, and was made, is not counted again'), async (t) => {
    const { store } = await open(t)
    const told: unknown[] = []
    const failures = new FailedAttempts({
      store: {
        transaction: async (work) => {
          await store.transaction(work)
          throw new UnknownCommitError({ cause: new Error('Connection terminated') })
        },
        tell: (event) => told.push(event),
      },
      clock: systemClock,
      onError: (error) => t.true(error instanceof UnknownCommitError, String(error)),
    })
    for (let attempt = 1; attempt <= 7; attempt++) await failures.tell(refused, 'ada')
    t.is(told.length, 7)
    t.is(sum(await readRows(store)), 5)
    await failures.close()
    t.is(sum(await readRows(store)), 7)
  })
}
