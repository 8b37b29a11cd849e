import { readdir, stat, unlink } from 'node:fs/promises'
import test from 'ava'
import { VaultError } from '../../src/keys/vault.ts'
import { day, minute } from '../../src/lib/durations.ts'
import { eventually, grace, Installation, keyIn } from './key-ring-fixture.ts'

test('revoking the current key withdraws it at once, and the published next key signs, however young', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const [leaked, next] = [keyIn(ring.record, 'current'), keyIn(ring.record, 'next')]
  t.deepEqual(await ring.revoke(leaked.kid), { kind: 'revoked', current: next.kid })
  t.is((await ring.signer(15 * minute)).kid, next.kid)
  t.is(ring.publicKey(leaked.kid), undefined)
  t.false(ring.jwks().body.includes(leaked.kid))
  t.like(keyIn(ring.record, 'withdrawn'), {
    kid: leaked.kid,
    revoked: true,
    withdrawnAt: installation.clock.now(),
  })
  await t.throwsAsync(stat(installation.file(leaked)), { code: 'ENOENT' })
  t.deepEqual(installation.events, [
    { type: 'key.revoked', kid: leaked.kid },
    { type: 'key.activated', kid: next.kid },
    { type: 'key.created', kid: keyIn(ring.record, 'next').kid },
  ])
})

test('revoking the next key publishes another, and the current one goes on', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const [current, next] = [keyIn(ring.record, 'current').kid, keyIn(ring.record, 'next').kid]
  t.deepEqual(await ring.revoke(next), { kind: 'revoked', current })
  t.not(keyIn(ring.record, 'next').kid, next)
  t.is(keyIn(ring.record, 'current').kid, current)
})

test('revoking a retired key only withdraws it; a withdrawn one can be revoked as well, an unknown one not', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const first = keyIn(ring.record, 'current').kid
  installation.clock.pass(30 * day)
  await ring.tick()
  const [second, third] = [keyIn(ring.record, 'current').kid, keyIn(ring.record, 'next').kid]
  t.deepEqual(await ring.revoke(first), { kind: 'revoked', current: second })
  t.deepEqual(
    ring.record.keys.map((key) => key.kid).sort(),
    [first, second, third].sort(),
    'no other key was made for it',
  )
  installation.clock.pass(30 * day)
  await ring.tick()
  installation.clock.pass(day)
  await ring.tick()
  t.like(
    ring.record.keys.find((key) => key.kid === second),
    { state: 'withdrawn', revoked: false },
  )
  t.deepEqual(await ring.revoke(second), { kind: 'revoked', current: third })
  t.like(
    ring.record.keys.find((key) => key.kid === second),
    { state: 'withdrawn', revoked: true },
  )

  const { version } = ring.record
  t.deepEqual(await ring.revoke(second), { kind: 'revoked', current: third })
  t.deepEqual(await ring.revoke('../../etc/passwd'), { kind: 'unknown' })
  t.is(ring.record.version, version, 'neither changes anything')
})

test('security 28: a ring that cannot be opened is repaired as its message says', async (t) => {
  const installation = await Installation.makeStarted(t)
  const keeper = await installation.openKeeper()
  const ring = await keeper.read()
  for (const state of ['current', 'next'] as const) {
    await unlink(installation.file(keyIn(ring, state)))
  }
  for (let repairs = 1; repairs <= 2; repairs++) {
    const refusal = await t.throwsAsync(installation.openRing(), { instanceOf: VaultError })
    const kid = /mintage keys revoke ([\w-]{43})/.exec(refusal?.message ?? '')?.[1]
    await keeper.revoke(kid ?? 'none')
  }
  t.true((await installation.openRing()).isUsable())
})

test('revoking all withdraws every key, begins anew at once, and ends the sessions in the same transaction', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  installation.clock.pass(30 * day)
  await ring.tick()
  await ring.rotateMac()
  const before = ring.record
  const macKey = ring.currentMacKey()
  t.is(before.keys.length, 3)

  await ring.revokeAll((tx) => tx.record({ type: 'sessions.revoked', reason: 'keys_revoked', count: 0 }))
  for (const { kid } of before.keys) {
    t.is(ring.publicKey(kid), undefined)
    t.like(
      ring.record.keys.find((key) => key.kid === kid),
      { state: 'withdrawn', revoked: true },
    )
  }
  for (const { id } of before.macKeys) t.is(ring.macKey(id), undefined)
  const signer = await ring.signer(15 * minute)
  t.is(signer.kid, keyIn(ring.record, 'current').kid)
  t.not(ring.currentMacKey().id, macKey.id)
  t.true(ring.isUsable())
  t.is((await readdir(installation.keys)).length, 3)
  const told = installation.events.map((event) => event.type)
  t.is(told.filter((type) => type === 'key.revoked').length, 3)
  t.is(told.filter((type) => type === 'mac_key.revoked').length, 2)
  t.is(told.filter((type) => type === 'sessions.revoked').length, 1)
})

test('when the sessions cannot be ended, no key is revoked, and trying again leaves no file over', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const { record } = ring
  const failure = new Error('no')
  await t.throwsAsync(
    ring.revokeAll(() => Promise.reject(failure)),
    { is: failure },
  )
  t.deepEqual(await (await installation.openKeeper()).read(), record)
  t.deepEqual(installation.events, [])
  await ring.revokeAll(async () => undefined)
  t.is((await readdir(installation.keys)).length, 3)
  t.true(ring.isUsable())
})

test('another process learns of an emergency from the change feed, and trusts the key no more', async (t) => {
  const installation = await Installation.makeStarted(t)
  const [ring, other] = [await installation.openRing(), await installation.openRing()]
  const leaked = keyIn(ring.record, 'current').kid
  const { etag } = other.jwks()
  await ring.revoke(leaked)
  await eventually(() => other.publicKey(leaked) === undefined)
  t.is((await other.signer(minute)).kid, (await ring.signer(minute)).kid)
  t.not(other.jwks().etag, etag)
  t.deepEqual(other.jwks(), ring.jwks())
})

test('another process learns of a rotation, and serves and signs alike', async (t) => {
  const installation = await Installation.makeStarted(t)
  const [ring, other] = [await installation.openRing(), await installation.openRing()]
  installation.clock.pass(grace)
  const outcome = await ring.rotate()
  await eventually(() => other.record.version === ring.record.version)
  t.deepEqual(outcome, { kind: 'rotated', kid: (await other.signer(minute)).kid })
  t.deepEqual(other.jwks(), ring.jwks())
})
