import test from 'ava'
import { activate, applyChange, create, type FreshKey, replaceMacKey } from '../../src/keys/ring-changes.ts'
import { macKeyInUse, nextStep, pauseUntil, policyMarks, skew } from '../../src/keys/schedule.ts'
import { day, hour, minute, second } from '../../src/lib/durations.ts'
import type { RingRecord } from '../../src/store/key-table.ts'
import { grace, policy } from './key-ring-fixture.ts'
import { emptyRing } from './ring-model.ts'

const began = 1_700_000_000_000

function fresh(kid: string): FreshKey {
  return { kid, bits: 2048, publicJwk: { kty: 'RSA', n: 'n', e: 'AQAB', kid, use: 'sig', alg: 'RS256' } }
}

/** The ring after a first start: `a` signs, `b` is published, 1 is the MAC key. */
function firstRing(): RingRecord {
  const { change } = create({ current: fresh('a'), next: fresh('b'), macId: 1 }, began)
  return applyChange(emptyRing, { ...change, ...policyMarks(policy) })
}

test('an empty ring gets a key that signs, one that is published, and a MAC key', (t) => {
  t.deepEqual(nextStep(emptyRing, began, policy), { kind: 'create', current: true, next: true, macKey: true })
})

test('a fresh ring waits for its rotation, and then the published key takes over', (t) => {
  const ring = firstRing()
  const rotation = began + 30 * day
  t.deepEqual(nextStep(ring, began, policy), { kind: 'wait', until: rotation })
  t.deepEqual(nextStep(ring, rotation - 1, policy), { kind: 'wait', until: rotation })
  t.deepEqual(nextStep(ring, rotation, policy), { kind: 'activate', kid: 'b' })
})

test('security 26: a rotation shorter than the caches live waits for the caches', (t) => {
  const hasty = { ...policy, rotation: second }
  t.deepEqual(nextStep(firstRing(), began + grace - 1, hasty), { kind: 'wait', until: began + grace })
  t.deepEqual(nextStep(firstRing(), began + grace, hasty), { kind: 'activate', kid: 'b' })
})

test('security 26: a retired key is withdrawn when its last token has expired and every cache is new', (t) => {
  const retiredAt = began + 30 * day
  const { change } = activate(firstRing(), 'b', fresh('c'), retiredAt)
  const ring = applyChange(firstRing(), change)
  const removal = retiredAt + 15 * minute + grace
  t.deepEqual(nextStep(ring, removal - 1, policy), { kind: 'wait', until: removal })
  t.deepEqual(nextStep(ring, removal, policy), { kind: 'withdraw', kids: ['a'], macIds: [] })
})

test('security 26: a longer max-age counts for keys that were published under a shorter one', (t) => {
  const hasty = { ...policy, rotation: second }
  const ring = { ...firstRing(), longestMaxAge: 60 * minute }
  t.deepEqual(nextStep(ring, began, hasty), { kind: 'wait', until: began + 121 * minute })
})

test('what the policy allows is made durable before anything else', (t) => {
  const longer = { ...policy, jwksMaxAge: 10 * minute, tokenLife: minute, sessionIdle: 30 * day }
  t.deepEqual(nextStep(firstRing(), began + 40 * day, longer), {
    kind: 'raise',
    marks: { longestMaxAge: 10 * minute, longestIdle: 30 * day },
  })
})

test('the skew is a minute, and less where all times are scaled down', (t) => {
  const withMaxAge = (longestMaxAge: number) => skew({ ...emptyRing, longestMaxAge })
  t.deepEqual([0, 500, 2 * second, 5 * minute].map(withMaxAge), [second, second, 2 * second, minute])
})

test('a new MAC key is used when every process knows it, the first one at once', (t) => {
  const first = firstRing()
  t.is(macKeyInUse(first, began)?.id, 1)
  const rotated = applyChange(first, replaceMacKey(first, 2, began + day).change)
  t.is(macKeyInUse(rotated, began + day)?.id, 1)
  t.is(macKeyInUse(rotated, began + day + minute)?.id, 2)
})

test('a new MAC key is used a minute later although the clock was set back behind the one before', (t) => {
  const first = firstRing()
  const rotated = applyChange(first, replaceMacKey(first, 2, began + day).change)
  const back = began + day - 2 * hour
  const again = applyChange(rotated, replaceMacKey(rotated, 3, back).change)
  t.is(macKeyInUse(again, back)?.id, 1)
  t.is(macKeyInUse(again, back + minute)?.id, 3)
  t.is(macKeyInUse(again, began + 2 * day)?.id, 3)
})

test('a MAC key is kept for a token that idles to the end and a retry that comes at the end of its successor', (t) => {
  const first = firstRing()
  const ring = applyChange(first, replaceMacKey(first, 2, began).change)
  const removal = began + minute + 14 * day + minute
  t.deepEqual(nextStep(ring, removal - 1, policy), { kind: 'wait', until: removal })
  t.deepEqual(nextStep(ring, removal, policy), { kind: 'withdraw', kids: [], macIds: [1] })
})

test('the rotator looks at the ring often enough to sign with a view that is never too old', (t) => {
  const ring = firstRing()
  t.is(pauseUntil(began + 30 * day, began, ring), 30 * second)
  t.is(pauseUntil(began + second, began, ring), second)
  t.is(pauseUntil(began + 30 * day, began, { ...ring, longestMaxAge: 2 * second }), second)
  t.true(pauseUntil(began - day, began, ring) > 0)
})
