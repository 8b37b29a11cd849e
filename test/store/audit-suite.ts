import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { Knex } from 'knex'
import { type AuditKeys, AuditTrail } from '../../src/store/audit/audit-trail.ts'
import { HighWaterMark } from '../../src/store/audit/high-water-mark.ts'
import type { AuditKey } from '../../src/store/audit/seal.ts'
import { verifyTrail } from '../../src/store/audit/verification.ts'
import { openDatabase } from '../../src/store/database.ts'
import type { Store } from '../../src/store/store.ts'
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
    throw new Error(`There is no audit key ${id}.`)
  }

  async discard(id: number): Promise<void> {
    this.kept.delete(id)
  }
}

/** The audit trail, with new rows, on any database: sealed once each, by whoever comes first. */
export function testAudit(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}: ${text}`

  async function open(t: ExecutionContext) {
    const stores = await openTestStore(t, engine)
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
}
