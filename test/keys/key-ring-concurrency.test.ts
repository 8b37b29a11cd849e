import { readdir } from 'node:fs/promises'
import test from 'ava'
import { minute } from '../../src/lib/durations.ts'
import { grace, Installation, keyIn, policy } from './key-ring-fixture.ts'

const times = 20

/** The names of the files that a ring of these keys has, and no others. */
function filesOf(kids: readonly string[], macId: number): readonly string[] {
  return [...kids.map((kid) => `${kid}.pem`), `mac-${macId}.key`].sort()
}

test('twenty first starts at once make one ring, and the losers leave no file behind', async (t) => {
  const installation = await Installation.make(t)
  const stores = await Promise.all(Array.from({ length: times }, () => installation.openStore()))
  const rings = await Promise.all(stores.map((store) => installation.openRing({ store })))
  const signers = await Promise.all(rings.map((ring) => ring.signer(minute)))
  t.is(new Set(signers.map((signer) => signer.kid)).size, 1)
  t.is(new Set(rings.map((ring) => ring.jwks().etag)).size, 1)
  const ring = await installation.openRing()
  t.is(ring.record.version, 2, 'made, and its marks raised')
  const files = filesOf(
    ring.record.keys.map((key) => key.kid),
    ring.currentMacKey().id,
  )
  t.deepEqual((await readdir(installation.keys)).sort(), files)
  t.is(installation.events.filter((event) => event.type === 'key.activated').length, 1)
})

test('twenty rotations at once, by twenty processes, are one', async (t) => {
  const installation = await Installation.makeStarted(t)
  const rings = await Promise.all(Array.from({ length: times }, () => installation.openRing()))
  const keeper = await installation.openKeeper()
  const next = keyIn(await keeper.read(), 'next').kid
  installation.clock.pass(grace)
  const outcomes = await Promise.all(rings.map((ring) => ring.rotate()))
  for (const outcome of outcomes) t.is(outcome.kind === 'rotated' ? outcome.kid : outcome.kind, next)
  const activated = installation.events.filter((event) => event.type === 'key.activated')
  t.deepEqual(activated, [{ type: 'key.activated', kid: next }])
  for (const ring of rings) {
    t.is((await ring.signer(minute)).kid, next)
    t.deepEqual(ring.record.keys.map((key) => key.state).sort(), ['current', 'next', 'retired'])
  }
  const { keys, macKeys } = await keeper.read()
  t.deepEqual(
    (await readdir(installation.keys)).sort(),
    filesOf(
      keys.map((key) => key.kid),
      macKeys[0]?.id ?? 0,
    ),
  )
})

test('twenty schedules, twenty longer lives and twenty idle times at once lose nothing', async (t) => {
  const installation = await Installation.makeStarted(t)
  const rings = await Promise.all([1, 2, 3].map(() => installation.openRing()))
  installation.clock.pass(policy.rotation)
  const lives = Array.from({ length: times }, (_, i) => policy.tokenLife + i * minute)
  await Promise.all(
    lives.flatMap((life, i) => {
      const ring = rings[i % rings.length]
      return ring ? [ring.tick(), ring.signer(life), ring.ensureIdle(policy.sessionIdle + life)] : []
    }),
  )
  const ring = await (await installation.openKeeper()).read()
  t.is(ring.longestTokenLife, Math.max(...lives))
  t.is(ring.longestIdle, policy.sessionIdle + Math.max(...lives))
  const states = ring.keys.map((key) => key.state).sort()
  t.deepEqual(states, ['current', 'next', 'retired'])
  const retired = keyIn(ring, 'retired')
  t.true((retired.removableAt ?? 0) >= installation.clock.now() + policy.tokenLife + grace)
})
