import test from 'ava'
import { hour } from '../../src/lib/durations.ts'
import { Sweeper } from '../../src/sessions/sweeper.ts'
import { openTestStore, session, sqlite } from '../store/test-database.ts'
import { TestClock } from '../support/in-process-issuer.ts'

/** As many as one step may delete, so that the event loop is held for a few milliseconds at most. */
const mostDeleted = 32

test('a herd of sessions that are over goes a few rows at a time, and what refreshed meanwhile stays', async (t) => {
  const clock = new TestClock()
  const { store } = await openTestStore(t, sqlite, clock)
  const over = clock.now() - 49 * hour
  const name = (index: number) => String(index).padStart(4, '0')
  await store.transaction(async (tx) => {
    for (let index = 0; index < 500; index++) {
      const isOver = index % 4 !== 0
      await tx.sessions.insert(session(name(index), isOver ? { idleExpiresAt: over } : {}))
    }
    await tx.foreignTokens.insertAll(
      Array.from({ length: 80 }, (_, index) => ({
        digest: name(index),
        handle: null,
        at: 0,
        expiresAt: over,
      })),
    )
  })
  const sweeper = new Sweeper(store, (error) => t.fail(String(error)))
  const count = async () => (await store.sessions.page({}, 1_000)).length
  for (let left = await count(); ; ) {
    const pause = await sweeper.sweep()
    const now = await count()
    t.true(left - now <= mostDeleted, `${left - now} sessions at once`)
    left = now
    if (pause === undefined) break
    t.true(pause > 0 && pause <= 1_000)
  }
  const kept = Array.from({ length: 125 }, (_, index) => `handle-${name(index * 4)}`)
  t.deepEqual((await store.sessions.page({}, 1_000)).map(({ handle }) => handle).sort(), kept)
  t.deepEqual(await store.foreignTokens.findAll(Array.from({ length: 80 }, (_, index) => name(index))), [])
})

test('a clean-up that has gone through begins again, for what is over since', async (t) => {
  const clock = new TestClock()
  const { store } = await openTestStore(t, sqlite, clock)
  const lateness = 47 * hour
  await store.transaction((tx) => tx.sessions.insert(session('a', { idleExpiresAt: clock.now() - lateness })))
  const sweeper = new Sweeper(store, (error) => t.fail(String(error)))
  const sweepAll = async () => {
    while ((await sweeper.sweep()) !== undefined);
  }
  await sweepAll()
  t.not(await store.sessions.findBySid('ses_a'), undefined, 'a tombstone stays for two days')
  clock.advance(2 * hour)
  await sweepAll()
  t.is(await store.sessions.findBySid('ses_a'), undefined)
})
