import { createHmac } from 'node:crypto'
import {
  BearerError,
  createVerifier,
  hasScope,
  InsufficientScopeError,
  InvalidTokenError,
  UnavailableError,
} from '@mintage/verifier'
import test from 'ava'
import { decodeClaims } from '../support/oauth.ts'
import { audience, makeKey, startScriptedIssuer } from './kit/scripted-issuer.ts'
import { present, watch } from './kit/verifying.ts'

test('a good token gives its claims, frozen, the same for whoever presents it', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const { verifier, events } = watch(t, issuer)
  const token = issuer.mint({ roles: ['editor'], deep: { list: [{ a: 1 }] } })
  const claims = await verifier.verify(token)
  t.deepEqual({ ...claims }, decodeClaims(token))
  t.is(await verifier.verify(token), claims)
  t.throws(() => Object.assign(claims, { sub: 'admin' }), { instanceOf: TypeError })
  t.throws(() => (claims as unknown as { deep: { list: unknown[] } }).deep.list.push(1), {
    instanceOf: TypeError,
  })
  t.deepEqual(
    events.filter(({ type }) => type === 'token.accepted'),
    [
      { type: 'token.accepted', cached: false },
      { type: 'token.accepted', cached: true },
    ],
  )
})

test('rows 29 to 32: what is no access token of this issuer for this API is refused with 401', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  const good = issuer.mint()
  t.is(await present(watched, good), 'accepted')
  const [header = '', payload = '', signature = ''] = good.split('.')
  const now = Math.floor(Date.now() / 1_000)
  const stranger = { ...makeKey(), kid: issuer.key.kid }
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const none = `${encode({ alg: 'none', typ: 'at+jwt', kid: issuer.key.kid })}.${payload}.`
  const hs256 = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: issuer.key.kid })}.${payload}`
  const pem = issuer.key.publicKey.export({ type: 'spki', format: 'pem' })
  const cases: readonly (readonly [what: string, token: string, outcome: string])[] = [
    ['alg none', none, '401 unsupported_algorithm'],
    [
      'HS256 with the public key',
      `${hs256}.${createHmac('sha256', pem).update(hs256).digest('base64url')}`,
      '401 unsupported_algorithm',
    ],
    ['another key under this kid', issuer.mint({}, { key: stranger }), '401 bad_signature'],
    [
      'a key of its own',
      issuer.mint({}, { key: stranger, header: { jwk: stranger.publicKey.export({ format: 'jwk' }) } }),
      '401 bad_signature',
    ],
    ['crit', issuer.mint({}, { header: { crit: ['exp'] } }), '401 unsupported_header'],
    ['another type', issuer.mint({}, { header: { typ: 'JWT' } }), '401 wrong_type'],
    ['another issuer', issuer.mint({ iss: `${issuer.url}/` }), '401 wrong_issuer'],
    ['another audience', issuer.mint({ aud: 'https://other.example' }), '401 wrong_audience'],
    ['no audience', issuer.mint({ aud: undefined }), '401 missing_claim'],
    ['expired', issuer.mint({ iat: now - 900, exp: now - 31 }), '401 expired'],
    ['no expiry', issuer.mint({ exp: undefined }), '401 missing_claim'],
    ['too long a life', issuer.mint({ exp: now + 90_000 }), '401 lifetime_too_long'],
    ['not yet valid', issuer.mint({ nbf: now + 60 }), '401 not_yet_valid'],
    ['padding', `${good}=`, '401 malformed'],
    ['white space', `${header}.${payload} .${signature}`, '401 malformed'],
    ['a loose bit', `${header}.${payload}.${loosen(signature)}`, '401 malformed'],
    ['too large', issuer.mint({ filler: 'x'.repeat(16_384) }), '401 too_large'],
    ['a status that is none', issuer.mint({ status: 1 }), '401 invalid_claim'],
    [
      'an index that is none',
      issuer.mint({ status: { status_list: { idx: -1, uri: 'x' } } }),
      '401 invalid_claim',
    ],
    ['nothing', '', '401 malformed'],
    ['no text', undefined as unknown as string, '401 malformed'],
  ]
  for (const [what, token, outcome] of cases) {
    t.is(await present(watched, token), outcome, what)
    t.is(await present(watched, token), outcome, `${what}, again`)
  }
  t.is(await present(watched, good), 'accepted')
})

/** The same bytes with another last character: 256 bytes leave four bits over. */
function loosen(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return signature.slice(0, -1) + alphabet[alphabet.indexOf(signature.slice(-1)) + 1]
}

test('row 31: two tokens with the same last characters are never taken for one another', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  const token = issuer.mint()
  t.is(await present(watched, token), 'accepted')
  const [header = '', , signature = ''] = token.split('.')
  const [, payload = ''] = issuer.mint({ sub: 'admin' }).split('.')
  t.is(await present(watched, `${header}.${payload}.${signature}`), '401 bad_signature')
  t.is(await present(watched, token.slice(-32)), '401 malformed')
  t.is(await present(watched, `x${token}`), '401 malformed')
  t.is(await present(watched, token), 'accepted')
})

test('a remembered token is refused once it has expired, and before it begins', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  const token = issuer.mint()
  t.is(await present(watched, token), 'accepted')
  watched.clocks.wall = 900_000 + 15_000
  t.is(await present(watched, token), 'accepted')
  watched.clocks.wall = 900_000 + 31_000
  t.is(await present(watched, token), '401 expired')
  watched.clocks.wall = -40_000
  t.is(await present(watched, token), '401 not_yet_valid')
  watched.clocks.wall = 0
  t.is(await present(watched, token), 'accepted')
})

test('no more tokens are remembered than were allowed, and none where none are', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const tokens = Array.from({ length: 12 }, () => issuer.mint())
  for (const [cacheSize, most] of [
    [4, 4],
    [0, 0],
  ]) {
    const { verifier, events } = watch(t, issuer, { cacheSize: cacheSize ?? 0, revocation: 'off' })
    for (const token of tokens) await verifier.verify(token)
    for (const token of [...tokens].reverse()) await verifier.verify(token)
    const cached = events.filter((event) => event.type === 'token.accepted' && event.cached).length
    t.true(cached <= (most ?? 0), `${cached}`)
    t.is(cached > 0, cacheSize === 4)
  }
})

test('row 35: 401 and 403 are told apart, and the challenge says nothing else', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const { verifier } = watch(t, issuer)
  const token = issuer.mint({ scope: 'orders:read profile' })
  for (const scope of ['orders:read', 'profile orders:read', ['orders:read'], '', []]) {
    await t.notThrowsAsync(verifier.verify(token, { scope }), String(scope))
  }
  for (const scope of ['orders:write', 'orders', 'orders:read orders:write', ['orders:read', 'admin']]) {
    const error = await t.throwsAsync(verifier.verify(token, { scope }), {
      instanceOf: InsufficientScopeError,
    })
    t.is(error?.status, 403)
    t.is(error?.wwwAuthenticate, `Bearer error="insufficient_scope", scope="${[scope].flat().join(' ')}"`)
  }
  const unscoped = issuer.mint({ scope: undefined })
  await t.notThrowsAsync(verifier.verify(unscoped))
  await t.throwsAsync(verifier.verify(unscoped, { scope: 'orders:read' }), {
    instanceOf: InsufficientScopeError,
  })
  for (const wrong of ['canary', `${token}canary`, issuer.mint({ iss: 'canary' })]) {
    const error = await t.throwsAsync(verifier.verify(wrong), { instanceOf: InvalidTokenError })
    t.is(error?.status, 401)
    t.is(error?.wwwAuthenticate, 'Bearer error="invalid_token"')
    t.deepEqual(error?.headers, {
      'Cache-Control': 'no-store',
      'WWW-Authenticate': 'Bearer error="invalid_token"',
    })
    t.notRegex(`${error?.message} ${error?.cause}`, /canary|JSON|position/)
  }
})

test('a scope with a quote cannot break the challenge', (t) => {
  t.is(new InsufficientScopeError('a"\r\nb').wwwAuthenticate, 'Bearer error="insufficient_scope", scope="ab"')
})

test('hasScope reads a scope as RFC 6749 §3.3 has it', (t) => {
  t.true(hasScope({ scope: 'a b' }, 'b'))
  t.true(hasScope({ scope: 'a b' }, ['a', 'b']))
  t.false(hasScope({ scope: 'a b' }, 'a c'))
  t.false(hasScope({}, 'a'))
})

test('several audiences, another type and custom claims', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const verifier = createVerifier<{ readonly roles: readonly string[] }>({
    issuer: issuer.url,
    audience: ['https://old.example', audience],
    typ: 'JWT',
  })
  t.teardown(() => verifier.close())
  const { roles, sub } = await verifier.verify(issuer.mint({ roles: ['editor'] }, { header: { typ: 'JWT' } }))
  t.deepEqual([...roles, sub], ['editor', 'user-1'])
  await t.throwsAsync(verifier.verify(issuer.mint()), { instanceOf: InvalidTokenError })
})

test('a closed verifier refuses, and asks nobody any more', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const { verifier } = watch(t, issuer)
  await verifier.ready()
  const token = issuer.mint()
  await verifier.verify(token)
  verifier.close()
  const error = await t.throwsAsync(verifier.verify(token), { instanceOf: UnavailableError })
  t.true(error instanceof BearerError && error.status === 503)
  t.is(error?.headers['Retry-After'], '5')
  t.is(error?.wwwAuthenticate, undefined)
})

test('an option that is wrong is named', (t) => {
  const make = (options: object) => () =>
    createVerifier({ issuer: 'https://issuer.example', audience, revocation: 'off', ...options }).close()
  const wrong: readonly (readonly [options: object, message: RegExp])[] = [
    [{ issuer: 'issuer.example' }, /^issuer is an https URL/],
    [{ issuer: 'http://issuer.example' }, /^issuer is an https URL/],
    [{ issuer: 'https://user:secret@issuer.example' }, /^issuer has no user/],
    [{ issuer: 'https://issuer.example?a=b' }, /no query/],
    [{ jwksUri: 'http://issuer.example/keys' }, /^jwksUri is an https URL/],
    [{ audience: '' }, /^audience is/],
    [{ audience: [] }, /^audience is/],
    [{ audience: undefined }, /^audience is/],
    [{ revocation: 'pull' }, /^revocation is one of push, poll, off, and not pull/],
    [{ whenStale: 'introspect' }, /needs introspection/],
    [{ introspection: { clientId: 'a' } }, /^introspection has/],
    [{ staleAfter: '6 s' }, /^staleAfter is milliseconds or a duration/],
    [{ maxLifetime: -1 }, /^maxLifetime is/],
    [{ cacheSize: 0.5 }, /^cacheSize is/],
    [{ typ: 'jwt' }, /^typ is one of/],
  ]
  for (const [options, message] of wrong) t.throws(make(options), { instanceOf: TypeError, message })
  for (const issuer of [
    'http://localhost:8080',
    'http://127.0.0.1',
    'http://[::1]:1/path',
    'https://a.example/b/',
  ]) {
    t.notThrows(make({ issuer }))
  }
})
