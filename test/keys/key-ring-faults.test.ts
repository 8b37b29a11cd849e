import { readdir } from 'node:fs/promises'
import test from 'ava'
import type { RingStore } from '../../src/keys/ring-swaps.ts'
import { VaultError } from '../../src/keys/vault.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { day, minute, second } from '../../src/lib/durations.ts'
import { StoreUnavailableError } from '../../src/store/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { eventually, grace, Installation, keyIn, policy } from './key-ring-fixture.ts'

/** A store whose parts a test replaces. */
function alter(store: Store, changed: Partial<RingStore>): RingStore {
  return {
    keys: store.keys,
    changes: store.changes,
    now: () => store.now(),
    transaction: (work) => store.transaction(work),
    ...changed,
  }
}

test('a commit whose answer was lost is found again, and no key of it is deleted', async (t) => {
  const installation = await Installation.make(t)
  const store = await installation.openStore()
  let lost = false
  const unreliable = alter(store, {
    transaction: async (work) => {
      const result = await store.transaction(work)
      if (lost) return result
      lost = true
      throw new StoreUnavailableError('The connection broke.')
    },
  })
  await t.throwsAsync(installation.openRing({ store: unreliable }), { instanceOf: StoreUnavailableError })
  const ring = await installation.openRing({ store: unreliable })
  t.true(ring.isUsable())
  t.is(ring.record.version, 2, 'made, and its marks raised')
  t.is((await readdir(installation.keys)).length, 3)
})

test('a rotator that cannot write tries again with the same key, and does not fill the vault', async (t) => {
  const installation = await Installation.makeStarted(t)
  const store = await installation.openStore()
  let full = true
  const ring = await installation.openRing({
    store: alter(store, {
      transaction: (work) =>
        full ? Promise.reject(new StoreUnavailableError('The database is full.')) : store.transaction(work),
    }),
  })
  installation.clock.pass(30 * day)
  for (let tries = 1; tries <= 3; tries++)
    await t.throwsAsync(ring.tick(), { instanceOf: StoreUnavailableError })
  t.is((await readdir(installation.keys)).length, 4)
  t.true(ring.isUsable())
  full = false
  await ring.tick()
  t.is((await readdir(installation.keys)).length, 4)
  t.is(keyIn(ring.record, 'retired').retiredAt, installation.clock.now())
})

test('a vault that is full stops the first start, and the database stays without a key', async (t) => {
  const installation = await Installation.make(t)
  const { vault } = installation
  const full = {
    locate: vault.locate.bind(vault),
    confirm: vault.confirm.bind(vault),
    load: vault.load.bind(vault),
    delete: vault.delete.bind(vault),
    list: vault.list.bind(vault),
    save: () => Promise.reject(new VaultError('unwritable', 'keys/x.pem cannot be written (ENOSPC).')),
  }
  await t.throwsAsync(installation.openRing({ vault: full }), { instanceOf: VaultError, message: /ENOSPC/ })
  const ring = await (await installation.openKeeper()).read()
  t.deepEqual([ring.version, ring.keys, ring.macKeys], [0, [], []])
})

test('a process that heard nothing for long reads the ring again before it signs', async (t) => {
  const installation = await Installation.makeStarted(t)
  const store = await installation.openStore()
  const deaf = alter(store, {
    changes: Object.create(store.changes, { on: { value: () => () => undefined } }),
  })
  const ring = await installation.openRing({ store: deaf })
  const first = keyIn(ring.record, 'current').kid
  installation.clock.pass(grace)
  await (await installation.openKeeper()).rotate()
  t.is(keyIn(ring.record, 'current').kid, first, 'it is deaf')
  const signer = await ring.signer(minute)
  t.not(signer.kid, first)
  t.is(signer.kid, keyIn(ring.record, 'current').kid)
})

test('without its database a process publishes on and signs on, until it cannot know which key signs', async (t) => {
  const installation = await Installation.makeStarted(t)
  const store = await installation.openStore()
  let gone = false
  const fragile = alter(store, {
    now: () => (gone ? Promise.reject(new StoreUnavailableError('The database is gone.')) : store.now()),
  })
  const ring = await installation.openRing({ store: fragile })
  const { body } = ring.jwks()
  gone = true
  installation.clock.pass(6 * minute)
  const { kid } = await ring.signer(15 * minute)
  t.is(kid, keyIn(ring.record, 'current').kid)
  t.true((await ring.publication()).isCurrent)
  installation.clock.pass(1)
  await t.throwsAsync(ring.signer(15 * minute), { instanceOf: StoreUnavailableError })
  t.like(await ring.publication(), { body, isCurrent: false }, 'which nobody may keep')
  gone = false
  t.true((await ring.publication()).isCurrent)
  t.is((await ring.signer(15 * minute)).kid, kid)
})

test('a ring that is left alone turns by itself, and stops when it is closed', async (t) => {
  const installation = await Installation.make(t)
  const store = await installation.openStore(systemClock)
  const ring = await installation.openRing({
    store,
    clock: systemClock,
    policy: { ...policy, rotation: 0, jwksMaxAge: 0 },
  })
  const first = (await ring.signer(second)).kid
  await eventually(() => keyIn(ring.record, 'current').kid !== first)
  await ring.close()
  const { version } = await store.keys.read()
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  t.is((await store.keys.read()).version, version)
  t.deepEqual(installation.errors, [])
})
