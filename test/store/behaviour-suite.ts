import test from 'ava'
import { migrations } from '../../migrations/index.ts'
import { openDatabase } from '../../src/store/database.ts'
import { DuplicateError, SchemaError } from '../../src/store/errors.ts'
import { openStore } from '../../src/store/store.ts'
import { TestClock } from '../support/in-process-issuer.ts'
import { insertSession, openTestStore, session, type TestEngine } from './test-database.ts'

/** How a store's transactions, events, changes and clean-up behave, on any database. */
export function testBehaviour(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}: ${text}`

  test(title('a transaction that throws leaves no row, no audit row, no event and no change'), async (t) => {
    const { store, told } = await openTestStore(t, engine)
    let changes = 0
    store.changes.on('clients', () => changes++)
    const failing = store.transaction(async (tx) => {
      await tx.sessions.insert(session('a'))
      await tx.record({ type: 'session.revoked', sid: 'ses_a', reason: 'reuse' })
      tx.changed('clients')
      throw new Error('on purpose')
    })
    await t.throwsAsync(failing, { message: 'on purpose' })
    t.is(await store.sessions.findBySid('ses_a'), undefined)
    t.deepEqual(await store.audit.tail(10), [])
    t.deepEqual(told, [])
    t.is(changes, 0)
  })

  test(title('an event is told when everybody can read what it tells of'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const seen: Promise<unknown>[] = []
    const telling = await another((event) => {
      if ('sid' in event) seen.push(store.sessions.findBySid(event.sid ?? ''))
    })
    await telling.transaction(async (tx) => {
      await tx.sessions.insert(session('a'))
      await tx.record({ type: 'session.started', sid: 'ses_a', client: 'cli_1', user: 'usr_1' })
      t.is(seen.length, 0)
    })
    t.is(seen.length, 1)
    t.deepEqual(await seen[0], session('a'))
  })

  test(
    title('row 39: what changes trust is an audit row with its time, a refreshed token is none'),
    async (t) => {
      const clock = new TestClock()
      const { store, told } = await openTestStore(t, engine, clock)
      const revoked = { type: 'session.revoked', sid: 'ses_a', reason: 'reuse' } as const
      const refreshed = {
        type: 'session.refreshed',
        sid: 'ses_a',
        client: 'c',
        generation: 1,
        outcome: 'rotated',
      } as const
      await store.transaction(async (tx) => {
        await tx.record(refreshed)
        await tx.record(revoked)
      })
      t.deepEqual(told, [refreshed, revoked])
      t.deepEqual(
        (await store.audit.tail(10)).map(({ at, event }) => ({ at, event })),
        [{ at: clock.now(), event: revoked }],
      )
    },
  )

  test(title('a transaction that lost against another runs again, and tells its events once'), async (t) => {
    const { store, told } = await openTestStore(t, engine)
    let runs = 0
    await store.transaction(async (tx) => {
      runs++
      await tx.sessions.insert(session('a'))
      await tx.record({ type: 'session.started', sid: 'ses_a', client: 'cli_1', user: 'usr_1' })
      if (runs < 3) throw Object.assign(new Error('could not serialize access'), { code: '40001' })
    })
    t.is(runs, 3)
    t.is(told.length, 1)
    t.is((await store.audit.tail(10)).length, 1)
    t.deepEqual(await store.sessions.findBySid('ses_a'), session('a'))
  })

  test(title('a duplicate is told apart from other failures'), async (t) => {
    const { store } = await openTestStore(t, engine)
    await insertSession(store, session('a'))
    const failures = await Promise.allSettled([
      insertSession(store, session('a')),
      insertSession(store, session('b', { sid: 'ses_a' })),
      store.transaction(() => Promise.reject(new Error('on purpose'))),
    ])
    t.deepEqual(
      failures.map((failure) => failure.status === 'rejected' && failure.reason instanceof DuplicateError),
      [true, true, false],
    )
  })

  test(title('a change is known at once where it was made, and soon in another process'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const other = await another()
    let here = 0
    store.changes.on('clients', () => here++)
    const elsewhere = new Promise<void>((resolve) => other.changes.on('clients', resolve))
    const silent = store.changes.on('clients', () => t.fail('has been taken off'))
    silent()
    other.changes.on('apis', () => t.fail('no API has changed'))
    await store.transaction(async (tx) => tx.changed('clients'))
    t.is(here, 1)
    await elsewhere
  })

  test(title('time is whole milliseconds, the same inside a transaction and outside'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const before = await store.now()
    const inside = await store.transaction(async (tx) => tx.now)
    const after = await store.now()
    t.true([before, inside, after].every(Number.isSafeInteger))
    t.true(before <= inside && inside <= after)
  })

  test(title('a store that is opened again finds what was there, and migrates nothing twice'), async (t) => {
    const { store, database, another } = await openTestStore(t, engine)
    await insertSession(store, session('a'))
    t.deepEqual(await (await another()).sessions.findBySid('ses_a'), session('a'))
    const { knex } = openDatabase(database.url)
    t.is((await knex('knex_migrations').select('name')).length, migrations.length)
    await knex.destroy()
  })

  test(
    title('a database that a newer version has written is refused by the name of the migration'),
    async (t) => {
      const { database } = await openTestStore(t, engine)
      const { knex } = openDatabase(database.url)
      await knex('knex_migrations').insert({ name: '9999-later', batch: 2, migration_time: new Date() })
      await knex.destroy()
      const error = await t.throwsAsync(openStore({ url: database.url }), { instanceOf: SchemaError })
      t.regex(error.message, /9999-later/)
    },
  )

  test(title('the sessions that are over are deleted in small steps, and no other'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const long = 1_000
    const late = 9_000
    const live = { idleExpiresAt: late, expiresAt: late }
    const all = Array.from({ length: 25 }, (_, index) => {
      const name = String(index).padStart(3, '0')
      if (index % 5 === 0) return session(name, { ...live, endedAt: long, endReason: 'reuse' })
      if (index % 5 === 1) return session(name, { ...live, endedAt: late - 1, endReason: 'reuse' })
      if (index % 5 === 2) return session(name, { idleExpiresAt: long, expiresAt: late })
      if (index % 5 === 3) return session(name, { idleExpiresAt: late, expiresAt: long })
      return session(name, live)
    })
    await store.transaction(async (tx) => {
      for (const record of all) await tx.sessions.insert(record)
    })
    const steps: number[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const { deleted, next } = await store.sessions.deleteExpired(after, { rows: 10, most: 4 }, 5_000)
      after = next
      const count = (await store.sessions.page({}, 1_000)).length
      t.is((steps.at(-1) ?? 25) - count, deleted)
      steps.push(count)
    }
    // Ten rows hold six that are over, of which a step takes four; the next begins behind the last of those.
    t.deepEqual(steps, [21, 17, 13, 10])
    const left = (await store.sessions.page({}, 1_000)).map(({ handle }) => handle).sort()
    const expected = all.filter((_record, index) => [1, 4].includes(index % 5)).map(({ handle }) => handle)
    t.deepEqual(left, expected)
  })

  test(title('two processes that delete what is over at once do not hinder each other'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const other = await another()
    await store.transaction(async (tx) => {
      for (let index = 0; index < 60; index++) {
        await tx.sessions.insert(session(String(index).padStart(3, '0'), { expiresAt: 1_000 }))
      }
      await tx.sessions.insert(session('live'))
    })
    const sweep = async (by: typeof store) => {
      for (let after: string | undefined = ''; after !== undefined; ) {
        const { next } = await by.sessions.deleteExpired(after, { rows: 5, most: 5 }, 5_000)
        after = next
      }
    }
    await Promise.all([sweep(store), sweep(other), sweep(store), sweep(other)])
    // What one left alone, since another had it under its hands, that one has deleted.
    t.deepEqual(
      (await store.sessions.page({}, 100)).map(({ handle }) => handle),
      ['handle-live'],
    )
  })
}
