import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Knex } from 'knex'
import type { Clock } from '../../src/lib/clock.ts'
import { day } from '../../src/lib/durations.ts'
import { type AuditKeys, AuditTrail } from '../../src/store/audit/audit-trail.ts'
import { HighWaterMark } from '../../src/store/audit/high-water-mark.ts'
import { AuditRetention } from '../../src/store/audit/retention.ts'
import type { AuditKey } from '../../src/store/audit/seal.ts'
import { verifyTrail } from '../../src/store/audit/verification.ts'
import { openDatabase } from '../../src/store/database.ts'
import type { Store } from '../../src/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { TestClock } from '../support/in-process-issuer.ts'
import { makeDirectory } from '../support/installation.ts'
import { openTestStore, type TestEngine } from './test-database.ts'

/** Keys that are kept in memory. */
class MemoryKeys implements AuditKeys {
  readonly kept = new Map<number, AuditKey>()

  async make(): Promise<number> {
    const id = this.kept.size + 1
    this.kept.set(id, { id, bytes: randomBytes(32) })
    return id
  }

  async load(id: number): Promise<AuditKey> {
    const key = this.kept.get(id)
    if (key) return key
    throw Object.assign(new Error(`There is no audit key ${id}.`), { problem: 'missing' })
  }

  async discard(id: number): Promise<void> {
    this.kept.delete(id)
  }
}

/** The audit trail, with new rows, on any database: sealed once each, by whoever comes first. */
export function testAudit(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}: ${text}`

  async function open(t: ExecutionContext, clock?: Clock) {
    const stores = await openTestStore(t, engine, clock)
    const keys = new MemoryKeys()
    const trailOf = (store: Store, directory = makeDirectory(t)) =>
      new AuditTrail({
        store,
        keys,
        mark: new HighWaterMark(directory),
        onError: (error) => t.fail(String(error)),
        onWarning: () => undefined,
      })
    const verify = () => verifyTrail(stores.store.auditChain, async (id) => keys.kept.get(id))
    const tamper = async (change: (knex: Knex) => Promise<unknown>) => {
      const { knex } = openDatabase(stores.database.url)
      try {
        await change(knex)
      } finally {
        await knex.destroy()
      }
    }
    return { ...stores, keys, trailOf, verify, tamper }
  }

  const record = (store: Store, name: string, count = 1) =>
    store.transaction(async (tx) => {
      for (let n = 0; n < count; n++) await tx.record({ type: 'user.created', user: `${name}-${n}` })
    })

  test(title('rows are sealed in order, once each, and the trail is intact'), async (t) => {
    const { store, trailOf, verify } = await open(t)
    const trail = trailOf(store)
    await trail.begin()
    await record(store, 'many', 700)
    t.like(await verify(), { intact: true, rows: 700, unsealed: 700 })
    await trail.settle()
    const verdict = await verify()
    t.like(verdict, { intact: true, rows: 700, unsealed: 0, unsealedSince: undefined })
    t.is(verdict.head.sequence, 700)
    t.like(await trail.judge(), { kind: 'current' })
  })

  test(title('processes that write and seal at once make one chain'), async (t) => {
    const { store, another, trailOf, verify } = await open(t)
    const stores = [store, await another(), await another()]
    const trails = stores.map((each) => trailOf(each))
    await Promise.all(trails.map((trail) => trail.begin()))
    const rounds = 12
    await Promise.all(
      stores.map(async (each, index) => {
        for (let n = 0; n < rounds; n++) {
          await record(each, `process-${index}-${n}`, 2)
          await trails[index]?.settle()
        }
      }),
    )
    for (const trail of trails) await trail.settle()
    const verdict = await verify()
    t.deepEqual(verdict.findings, [])
    t.like(verdict, { rows: stores.length * rounds * 2, unsealed: 0 })
    for (const trail of trails) t.like(await trail.judge(), { kind: 'current' })
  })

  test(
    title('of several first keys one wins; rows from before it are adopted, and guarded too'),
    async (t) => {
      const { store, another, trailOf, verify, tamper, keys } = await open(t)
      await record(store, 'before', 3)
      t.like(await verify(), { rows: 3, unsealed: 3 })
      const trails = [trailOf(store), trailOf(await another())]
      await Promise.all(trails.map((trail) => trail.begin()))
      t.is(keys.kept.size, 1)
      t.like(await verify(), { intact: true, rows: 3, unsealed: 0 })
      await tamper((knex) => knex('audit').where({ id: 2 }).update({ at: 1 }))
      t.like((await verify()).findings, [{ problem: 'changed', id: 2 }])
      t.is((await verify()).findings.length, 1)
    },
  )

  test(
    title('a row that is changed, deleted, inserted or copied, and a tail that is cut, are told'),
    async (t) => {
      const { store, trailOf, verify, tamper } = await open(t)
      const trail = trailOf(store)
      await trail.begin()
      await record(store, 'one', 10)
      await trail.settle()
      const findings = async () =>
        (await verify()).findings.map(({ problem, id, sequence }) => [problem, id, sequence])

      await tamper((knex) => knex('audit').where({ id: 3 }).update({ data: '{"user":"somebody else"}' }))
      t.deepEqual(await findings(), [['changed', 3, 3]])
      await tamper((knex) => knex('audit').whereIn('id', [5, 6]).delete())
      t.deepEqual((await findings()).slice(1), [['deleted', undefined, 5]])
      const forged = { at: Date.now(), type: 'user.deleted', data: '{"user":"ada"}' }
      await tamper((knex) => knex('audit').insert(forged))
      t.deepEqual((await findings()).slice(2), [['inserted', 11, undefined]])
      await trail.beginAnew()
      t.deepEqual((await findings()).slice(2), [['inserted', 11, 11]], 'though a server has sealed it')
      await tamper(async (knex) => {
        const { at, type, data, stamp } = await knex('audit').where({ id: 8 }).first()
        await knex('audit').insert({ at, type, data, stamp })
      })
      t.deepEqual((await findings()).slice(3), [['copied', 12, undefined]])
      await tamper((knex) => knex('audit').where('id', '>=', 9).delete())
      t.deepEqual((await findings()).slice(2), [['cut', undefined, 9]])
    },
  )

  test(title('a tail that is cut together with the head shows at the mark'), async (t) => {
    const { store, trailOf, verify, tamper } = await open(t)
    const trail = trailOf(store)
    await trail.begin()
    await record(store, 'one', 5)
    await trail.settle()
    await tamper(async (knex) => {
      const { seal } = await knex('audit').where({ sequence: 3 }).first()
      await knex('audit').where('sequence', '>', 3).delete()
      await knex('audit_chain').update({ sequence: 3, seal })
    })
    t.true((await verify()).intact)
    t.like(await trail.judge(), { kind: 'old', mark: { sequence: 5 } })
    // Others may come to stand there, and are not those that were.
    await record(store, 'two', 2)
    await trail.settle()
    t.like(await trail.judge(), { kind: 'old', mark: { sequence: 5 } })
  })

  test(title('a change of keys is no break, and the key before it seals no more'), async (t) => {
    const { store, another, trailOf, verify, keys, tamper } = await open(t)
    const trail = trailOf(store)
    await trail.begin()
    await record(store, 'first', 2)
    const other = await another()
    const behind = trailOf(other)
    await behind.begin()
    await trail.rotateKey()
    await record(other, 'stamped with the key before', 1)
    await record(store, 'second', 2)
    await behind.settle()
    await trail.settle()
    t.like(await verify(), { intact: true, rows: 5, unsealed: 0 })
    const [first] = keys.kept.keys()
    keys.kept.delete(first ?? 0)
    t.deepEqual(
      (await verify()).findings.map(({ problem }) => problem),
      ['unverifiable'],
    )
    await tamper((knex) => knex('audit_chain').update({ key: first }))
    await t.throwsAsync(trailOf(other).open())
  })

  test(
    title('an epoch that begins on one node is followed by another, and by no older database'),
    async (t) => {
      const { store, trailOf, tamper } = await open(t)
      const here = trailOf(store)
      const there = trailOf(store)
      await here.begin()
      await record(store, 'one', 3)
      await here.settle()
      await there.begin()
      const before = await store.auditChain.read()
      await store.transaction(async (tx) => {
        await tx.auditChain.setEpoch('later')
        await tx.record({
          type: 'database.recovered',
          way: 'accept_resurrection',
          epoch: 'later',
          from: [before.epoch],
          sequence: 3,
          mark: 3,
        })
      })
      await here.beginAnew()
      t.like(await there.judge(), { kind: 'current' })
      await tamper((knex) => knex('audit').where({ type: 'database.recovered' }).update({ stamp: null }))
      t.like(await there.judge(), { kind: 'old' })
      await tamper((knex) => knex('audit_chain').update({ epoch: before.epoch }))
      t.like(await here.judge(), { kind: 'old' })
    },
  )

  const retain = (store: Store, trail: AuditTrail, keys: AuditKeys, told: unknown[] = []) =>
    new AuditRetention({ store, trail, keys, retention: 730 * day, onError: (error) => told.push(error) })

  test(
    title('rows older than the retention go in batches, by two nodes at once, while others are written'),
    async (t) => {
      const clock = new TestClock()
      const { store, another, trailOf, verify, keys } = await open(t, clock)
      const there = await another()
      const trails = [trailOf(store), trailOf(there)] as const
      for (const trail of trails) await trail.begin()
      await record(store, 'old', 1_200)
      await trails[0].settle()
      clock.advance(731 * day)
      await record(store, 'new', 3)
      for (const trail of trails) await trail.settle()
      const nodes = [retain(store, trails[0], keys), retain(there, trails[1], keys)]
      const prune = async (node: AuditRetention) => {
        while (await node.prune()) await trails[1].settle()
      }
      const writing = Array.from({ length: 5 }, async (_, n) => {
        await record(there, `meanwhile-${n}`)
        await trails[0].settle()
      })
      await Promise.all([...nodes.map(prune), ...writing])
      for (const node of nodes) await prune(node)
      for (const trail of trails) await trail.settle()
      const verdict = await verify()
      t.deepEqual(verdict.findings, [])
      const rows = (await store.audit.tail(2_000)).map(({ event }) => event)
      t.deepEqual(
        rows.filter(({ type }) => type === 'audit.pruned').map((row) => 'sequence' in row && row.sequence),
        [500, 1_000, 1_200],
      )
      t.is(rows.length, 3 + 5 + 3)
      t.is(verdict.head.sequence, 1_211)
      for (const trail of trails) t.like(await trail.judge(), { kind: 'current' })
      t.false(await nodes[0]?.prune(), 'what is young stays')
    },
  )

  test(title('rows that another node prunes while they are read are not told as deleted'), async (t) => {
    const clock = new TestClock()
    const { store, trailOf, keys } = await open(t, clock)
    const trail = trailOf(store)
    await trail.begin()
    await record(store, 'old', 600)
    await trail.settle()
    clock.advance(731 * day)
    const told: unknown[] = []
    const faster = retain(store, trail, keys, told)
    const chain = store.auditChain
    const slower = new AuditRetention({
      store: {
        now: () => store.now(),
        transaction: (work) => store.transaction(work),
        auditChain: {
          read: () => chain.read(),
          deleteUpTo: (sequence) => chain.deleteUpTo(sequence),
          sealed: async (after, limit) => {
            await faster.prune()
            return chain.sealed(after, limit)
          },
        },
      },
      trail,
      keys,
      retention: 730 * day,
      onError: (error) => told.push(error),
    })
    t.false(await slower.turn())
    t.deepEqual(told, [])
    t.is((await chain.read()).checkpoint?.sequence, 500)
  })

  test(
    title('an old row that is not sealed, was changed or lacks its key is not deleted, which is told once'),
    async (t) => {
      const clock = new TestClock()
      const { store, trailOf, verify, keys, tamper } = await open(t, clock)
      const trail = trailOf(store)
      await trail.begin()
      await record(store, 'old', 10)
      await trail.settle()
      await record(store, 'unsealed', 1)
      clock.advance(731 * day)
      const told: unknown[] = []
      const node = retain(store, trail, keys, told)
      const kept = [...keys.kept]
      keys.kept.clear()
      t.false(await node.turn())
      t.false(await node.turn())
      t.is(told.length, 1)
      t.regex(String(told[0]), /not deleted.*audit-1\.key/)
      for (const [id, key] of kept) keys.kept.set(id, key)

      await tamper((knex) => knex('audit').where({ id: 3 }).update({ data: '{"user":"somebody else"}' }))
      t.false(await node.turn())
      t.false(await node.turn())
      t.is(told.length, 2)
      t.regex(String(told[1]), /Row 3 .* was changed.*mintage audit verify/)
      t.is((await store.audit.tail(100)).length, 11)

      await tamper((knex) => knex('audit').where({ id: 3 }).update({ data: '{"user":"old-2"}' }))
      t.true(await node.turn())
      t.false(await node.turn())
      t.deepEqual(
        (await store.audit.tail(100)).map(({ event }) => event.type),
        ['user.created', 'audit.pruned'],
        'the one that is not sealed yet is still there',
      )
      await trail.settle()
      t.like(await verify(), { intact: true, rows: 2, unsealed: 0 })
      t.is(told.length, 2)
    },
  )

  test(
    title('every node has a mark of its own, and each of them knows a database that was taken back'),
    async (t) => {
      const { store, another, trailOf, tamper } = await open(t)
      const trails = [trailOf(store), trailOf(await another())] as const
      for (const trail of trails) await trail.begin()
      t.not(trails[0].markPath, trails[1].markPath)
      await record(store, 'one', 4)
      await trails[0].settle()
      // The other node has written none of them, and follows as a server does.
      trails[1].follow()
      const reached = await eventually(
        () => new HighWaterMark(dirname(trails[1].markPath)).read(),
        (mark) => mark?.sequence === 4,
      )
      t.is(reached?.sequence, 4)
      await trails[1].close()
      await tamper(async (knex) => {
        const { seal } = await knex('audit').where({ sequence: 2 }).first()
        await knex('audit').where('sequence', '>', 2).delete()
        await knex('audit_chain').update({ sequence: 2, seal })
      })
      for (const trail of trails) t.like(await trail.judge(), { kind: 'old', mark: { sequence: 4 } })
    },
  )
}
