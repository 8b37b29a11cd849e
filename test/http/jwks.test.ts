import { createPublicKey, createVerify } from 'node:crypto'
import test from 'ava'
import { openTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { clientToken } from '../support/requests.ts'

let issuer: TestIssuer
test.before(async () => {
  issuer = await openTestIssuer({ environment: { MINTAGE_JWKS_MAX_AGE: '90s' } })
})
test.after.always(() => issuer.stop())

const fetchJwks = (init: RequestInit = {}) => fetch(`${issuer.url}/.well-known/jwks.json`, init)

test('security 25: a published key has its public members and no other', async (t) => {
  const response = await fetchJwks()
  t.is(response.status, 200)
  t.regex(response.headers.get('content-type') ?? '', /^application\/jwk-set\+json/)
  const { keys, ...rest } = (await response.json()) as { keys: Record<string, unknown>[] }
  t.deepEqual(rest, {})
  t.true(keys.length >= 2, 'The next key is published before it signs.')
  for (const key of keys) {
    t.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
    t.like(key, { alg: 'RS256', use: 'sig', kty: 'RSA' })
    t.is(Buffer.from(String(key['n']), 'base64url').length, 256)
  }
  t.is(new Set(keys.map((key) => key['kid'])).size, keys.length)
})

test('a token verifies with nothing but its key of the JWKS', async (t) => {
  const token = await clientToken(issuer)
  const [header = '', payload = '', signature = ''] = token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
  const { keys } = (await (await fetchJwks()).json()) as { keys: Record<string, unknown>[] }
  const found = keys.filter((key) => key['kid'] === kid)
  t.is(found.length, 1)
  const key = createPublicKey({ key: found[0] ?? {}, format: 'jwk' })
  const verify = (input: string) =>
    createVerify('RSA-SHA256').update(input).verify(key, Buffer.from(signature, 'base64url'))
  t.true(verify(`${header}.${payload}`))
  t.false(verify(`${header}.${payload}x`))
})

test('the JWKS says how long it may be kept, and answers 304 to who has it', async (t) => {
  const first = await fetchJwks()
  const etag = first.headers.get('etag') ?? ''
  t.regex(etag, /^"[^"]+"$/)
  t.is(first.headers.get('cache-control'), 'public, max-age=90')
  for (const value of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await fetchJwks({ headers: { 'If-None-Match': value } })
    t.is(again.status, 304, value)
    t.is(again.headers.get('etag'), etag)
    t.is(again.headers.get('cache-control'), 'public, max-age=90')
    t.is(await again.text(), '')
  }
  for (const value of ['"other"', etag.slice(0, -2), 'nonsense']) {
    t.is((await fetchJwks({ headers: { 'If-None-Match': value } })).status, 200, value)
  }
})

test('the ETag changes with the keys', async (t) => {
  const before = (await fetchJwks()).headers.get('etag') ?? ''
  const { keys } = (await (await fetchJwks()).json()) as { keys: { kid: string }[] }
  await issuer.administration.keys.revoke(keys[1]?.kid ?? '')
  for (let n = 0; n < 200 && (await fetchJwks()).headers.get('etag') === before; n++) {
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  const after = await fetchJwks({ headers: { 'If-None-Match': before } })
  t.is(after.status, 200)
  t.not(after.headers.get('etag'), before)
  t.false((await after.text()).includes(keys[1]?.kid ?? ''))
})

test('HEAD says of the JWKS what GET says, without the body', async (t) => {
  const get = await fetchJwks()
  const head = await fetchJwks({ method: 'HEAD' })
  t.is(head.status, 200)
  t.is(await head.text(), '')
  for (const name of ['content-type', 'content-length', 'cache-control', 'etag']) {
    t.is(head.headers.get(name), get.headers.get(name), name)
  }
  t.is((await fetchJwks({ method: 'POST' })).status, 405)
})
