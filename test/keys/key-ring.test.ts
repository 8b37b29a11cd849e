import { createHash, createPrivateKey, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import test from 'ava'
import { calculateJwkThumbprint } from 'jose'
import { thumbprint } from '../../src/keys/jwks.ts'
import { KeyUnavailableError } from '../../src/keys/key-ring.ts'
import { VaultError } from '../../src/keys/vault.ts'
import { day, hour, minute } from '../../src/lib/durations.ts'
import { grace, Installation, keyIn, PartialVault, policy } from './key-ring-fixture.ts'

test('the first start makes a key that signs, a next one, and a MAC key, and a second start keeps them', async (t) => {
  const installation = await Installation.make(t)
  const first = await installation.openRing()
  const { keys, macKeys } = first.record
  t.deepEqual(keys.map((key) => key.state).sort(), ['current', 'next'])
  t.deepEqual(
    macKeys.map((key) => key.state),
    ['current'],
  )
  t.true(first.isUsable())
  t.is((await readdir(installation.keys)).length, 3)
  const macKey = first.currentMacKey()
  await first.close()

  const second = await installation.openRing()
  t.deepEqual(second.record, first.record)
  t.deepEqual(second.currentMacKey(), macKey)
  t.deepEqual(second.jwks(), first.jwks())
})

test('every key is an audit row and an event, and holds nothing secret', async (t) => {
  const installation = await Installation.make(t)
  const store = await installation.openStore()
  const ring = await installation.openRing({ store })
  const [current, next] = [keyIn(ring.record, 'current').kid, keyIn(ring.record, 'next').kid]
  const expected = [
    { type: 'key.created', kid: current },
    { type: 'key.activated', kid: current },
    { type: 'key.created', kid: next },
    { type: 'mac_key.created', id: ring.currentMacKey().id },
  ]
  t.deepEqual(installation.events, expected as typeof installation.events)
  t.deepEqual(
    (await store.audit.tail(10)).map((row) => row.event),
    expected as typeof installation.events,
  )
})

test('a signature verifies with the published JWK, whose kid is the RFC 7638 thumbprint', async (t) => {
  const ring = await (await Installation.makeStarted(t)).openRing()
  const signer = await ring.signer(minute)
  const signature = await signer.sign('header.payload')
  const { keys } = JSON.parse(ring.jwks().body)
  const jwk = keys.find((key: { kid: string }) => key.kid === signer.kid)
  t.is(jwk.kid, await calculateJwkThumbprint(jwk))
  const published = createPublicKey({ key: jwk, format: 'jwk' })
  t.true(verify('sha256', Buffer.from('header.payload'), published, signature))
  t.false(verify('sha256', Buffer.from('header.payloaf'), published, signature))
  t.true(verify('sha256', Buffer.from('header.payload'), ring.publicKey(signer.kid) as KeyObject, signature))
})

test('the thumbprint of the example in RFC 7638 §3.1 is the one that it gives', (t) => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3' +
    'oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA' +
    'ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-' +
    'kEgU8awapJzKnqDKgw'
  t.is(thumbprint(n, 'AQAB'), 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
})

test('security 25: the JWKS shows only public members, also when the database holds private ones', async (t) => {
  const installation = await Installation.makeStarted(t)
  const store = await installation.openStore()
  const ring = await installation.openRing({ store })
  const record = ring.record
  const keys = record.keys.map((key) => ({
    ...key,
    publicJwk: { ...key.publicJwk, d: 'secret', p: 'secret' },
  }))
  await store.keys.swap(record.version, { keys })
  await ring.reload()
  const published = JSON.parse(ring.jwks().body).keys
  t.is(published.length, 2)
  for (const key of published) {
    t.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
    t.like(key, { alg: 'RS256', kty: 'RSA', use: 'sig' })
  }
  t.is(new Set(published.map((key: { kid: string }) => key.kid)).size, 2)
})

test('the ETag is strong, and another exactly when the keys are', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const before = ring.jwks()
  t.is(before.etag, `"${createHash('sha256').update(before.body).digest('base64url')}"`)
  await ring.signer(2 * hour)
  t.is(ring.jwks().etag, before.etag)
  installation.clock.pass(grace)
  await ring.rotate()
  t.not(ring.jwks().etag, before.etag)
})

test('security 26: an operator is told from when the next key may sign, and then it does', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const [first, next] = [keyIn(ring.record, 'current').kid, keyIn(ring.record, 'next').kid]
  t.deepEqual(await ring.rotate(), { kind: 'too-early', kid: next, from: installation.clock.now() + grace })
  t.is((await ring.signer(minute)).kid, first)

  installation.clock.pass(grace)
  t.deepEqual(await ring.rotate(), { kind: 'rotated', kid: next })
  t.is((await ring.signer(minute)).kid, next)
  t.is(keyIn(ring.record, 'retired').kid, first)
  t.deepEqual(
    JSON.parse(ring.jwks().body).keys.map((key: { kid: string }) => key.kid),
    [next, keyIn(ring.record, 'next').kid, first],
  )
})

test('security 26: the schedule turns the ring by itself, and the file of a withdrawn key goes', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const [first, second] = [keyIn(ring.record, 'current'), keyIn(ring.record, 'next')]
  installation.clock.pass(30 * day)
  await ring.tick()
  t.is((await ring.signer(minute)).kid, second.kid)
  t.truthy(ring.publicKey(first.kid))

  installation.clock.pass(15 * minute + grace - 1)
  await ring.tick()
  t.truthy(ring.publicKey(first.kid), 'a token that it signed may just be alive')
  installation.clock.pass(1)
  await ring.tick()
  t.is(ring.publicKey(first.kid), undefined)
  t.false(ring.jwks().body.includes(first.kid))
  await t.throwsAsync(stat(installation.file(first)), { code: 'ENOENT' })
  t.false(keyIn(ring.record, 'withdrawn').revoked)
})

test('security 26: a key stays for the longest life that was ever asked for', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const first = await ring.signer(6 * hour)
  t.is(
    (await (await installation.openKeeper()).read()).longestTokenLife,
    6 * hour,
    'durable before the key was given',
  )
  installation.clock.pass(30 * day)
  await ring.tick()
  installation.clock.pass(6 * hour)
  await ring.tick()
  t.truthy(ring.publicKey(first.kid))
  installation.clock.pass(grace)
  await ring.tick()
  t.is(ring.publicKey(first.kid), undefined)
})

test('the high marks of the policy and of each request are kept, and never shrink', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  await Promise.all([ring.ensureIdle(30 * day), ring.signer(minute)])
  await installation.openRing({ policy: { ...policy, jwksMaxAge: hour } })
  await ring.reload()
  const other = await installation.openRing({ policy: { ...policy, jwksMaxAge: minute, sessionIdle: day } })
  for (const { longestMaxAge, longestTokenLife, longestIdle } of [ring.record, other.record]) {
    t.deepEqual([longestMaxAge, longestTokenLife, longestIdle], [hour, 15 * minute, 30 * day])
  }
})

test('a MAC key that was replaced is known until nothing made with it is good', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  const old = ring.currentMacKey()
  t.is(old.key.length, 32)
  const id = await ring.rotateMac()
  t.deepEqual(ring.currentMacKey(), old, 'other processes may not know the new one yet')
  installation.clock.pass(minute)
  t.is(ring.currentMacKey().id, id)
  t.notDeepEqual(ring.currentMacKey().key, old.key)
  t.deepEqual(ring.macKey(old.id), old.key)

  installation.clock.pass(14 * day + minute)
  await ring.tick()
  t.is(ring.macKey(old.id), undefined)
  t.is(ring.macKey(12_345), undefined)
  t.false((await readdir(installation.keys)).includes(`mac-${old.id}.key`))
})

test('3072 bits are made when they are asked for, and keys of both sizes live together', async (t) => {
  const installation = await Installation.makeStarted(t)
  await (await installation.openRing()).close()
  const ring = await installation.openRing({ policy: { ...policy, bits: 3072 } })
  await ring.revoke(keyIn(ring.record, 'next').kid)
  const next = keyIn(ring.record, 'next')
  t.is(next.bits, 3072)
  t.is(createPrivateKey(await readFile(installation.file(next))).asymmetricKeyDetails?.modulusLength, 3072)
  t.is(keyIn(ring.record, 'current').bits, 2048)
})

test('a start ignores files that the ring does not know', async (t) => {
  const installation = await Installation.makeStarted(t)
  await (await installation.openRing()).close()
  await installation.vault.save({ kind: 'signing-key', kid: 'o'.repeat(43) }, 'an orphan')
  await installation.vault.save({ kind: 'mac-key', id: 7 }, 'another')
  t.true((await installation.openRing()).isUsable())
})

test('a next key that this process cannot load is reported once, and is not promoted here', async (t) => {
  const installation = await Installation.makeStarted(t)
  const keeper = await installation.openKeeper()
  const vault = new PartialVault(installation.vault, (await keeper.read()).keys)
  const ring = await installation.openRing({ vault })
  const current = keyIn(ring.record, 'current').kid
  await keeper.revoke(keyIn(ring.record, 'next').kid)
  await ring.reload()
  await ring.reload()
  t.is(installation.errors.length, 1)
  t.true(String(installation.errors[0]).includes(keyIn(ring.record, 'next').kid))
  t.true(ring.isUsable())

  installation.clock.pass(30 * day)
  await t.throwsAsync(ring.tick(), { instanceOf: VaultError })
  t.is(keyIn(await keeper.read(), 'current').kid, current)
})

test('while the current key cannot be loaded the one before signs, but nothing that would outlast it', async (t) => {
  const installation = await Installation.makeStarted(t)
  const keeper = await installation.openKeeper()
  const vault = new PartialVault(installation.vault, (await keeper.read()).keys)
  const ring = await installation.openRing({ vault })
  const first = keyIn(ring.record, 'current').kid
  await keeper.revoke(keyIn(ring.record, 'next').kid)
  installation.clock.pass(grace)
  await keeper.rotate()
  await ring.reload()
  const current = keyIn(ring.record, 'current')
  t.not(current.kid, first)

  t.is((await ring.signer(15 * minute)).kid, first)
  t.true(ring.isUsable())
  installation.clock.pass(10 * minute)
  t.is((await ring.signer(15 * minute)).kid, first)
  installation.clock.pass(1)
  await t.throwsAsync(ring.signer(15 * minute), { instanceOf: KeyUnavailableError })
  t.false(ring.isUsable())
  t.is((await ring.signer(minute)).kid, first, 'a shorter life still ends in time')

  vault.show(current)
  await ring.reload()
  t.is((await ring.signer(15 * minute)).kid, current.kid)
  t.true(ring.isUsable())
})
