import test from 'ava'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { shareSimpleJwt, startSimpleJwt, tokenNotValid, tokenOf } from '../../support/django.ts'
import { audience, password } from '../../support/in-process-issuer.ts'
import { decodeClaims } from '../../support/oauth.ts'

const speak = shareSimpleJwt(test)

// The behaviours of djangorestframework-simplejwt 5.5.1's own tests/test_views.py, each by its class and name.

test.serial('TestTokenObtainPairView.test_fields_missing', async (t) => {
  const { post } = await speak()
  const required = ['This field is required.']
  const nothing = await post('', {})
  t.is(nothing.status, 400)
  t.deepEqual(nothing.body, { username: required, password: required })
  t.deepEqual((await post('', { username: 'ada' })).body, { password: required })
  t.deepEqual((await post('', { password })).body, { username: required })
})

test.serial(
  'TestTokenObtainPairView.test_credentials_wrong and test_user_inactive: one answer (security 11)',
  async (t) => {
    const { issuer, post } = await speak()
    const wrong = await post('', { username: 'ada', password: 'test_user' })
    const unknown = await post('', { username: 'nobody', password })
    await issuer.administration.users.disable('ada')
    const inactive = await post('', { username: 'ada', password })
    for (const answer of [wrong, unknown, inactive]) {
      t.is(answer.status, 401)
      t.deepEqual(answer.body, { detail: 'No active account found with the given credentials' })
      t.is(answer.headers.get('WWW-Authenticate'), 'Bearer realm="api"')
    }
  },
)

test.serial('TestTokenObtainPairView.test_success', async (t) => {
  const { post } = await speak()
  const answer = await post('', { username: 'ada', password })
  t.is(answer.status, 200)
  t.deepEqual(Object.keys(answer.body), ['refresh', 'access'])
  t.is(answer.headers.get('Content-Type'), 'application/json')
  t.is(answer.headers.get('Allow'), 'POST, OPTIONS')
  t.is(answer.headers.get('Vary'), 'Accept')
  t.is(answer.headers.get('WWW-Authenticate'), null)
  t.is(answer.headers.get('Cache-Control'), 'no-store', 'security 3')
})

test.serial(
  'an access token is what a service with JWK_URL accepts, and no protocol claim gives way (security 10)',
  async (t) => {
    const { issuer, user, clock, logIn } = await speak()
    await issuer.administration.users.update('ada', { claims: { role: 'editor' } })
    const { access } = await logIn()
    const jwks = createRemoteJWKSet(new URL(`${issuer.url}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(access, jwks, {
      issuer: issuer.url,
      audience,
      algorithms: ['RS256'],
      currentDate: new Date(clock.now()),
    })
    t.like(payload, {
      token_type: 'access',
      user_id: user.id,
      sub: user.id,
      client_id: 'web',
      role: 'editor',
    })
  },
)

test.serial('a user that came from Django keeps the id that it had there, as text', async (t) => {
  const { issuer, user, post, logIn } = await speak()
  await issuer.administration.users.update('ada', { claims: { user_id: 42 } })
  const { access, refresh } = await logIn()
  t.like(decodeClaims(access), { user_id: '42', sub: user.id })
  t.like(decodeClaims(refresh), { user_id: '42' })
  const next = await post('refresh/', { refresh })
  t.like(decodeClaims(tokenOf(next, 'access')), { user_id: '42', sub: user.id })
})

test.serial('what its clients decode of a refresh token is there: exp, iat and the type', async (t) => {
  const { clock, logIn } = await speak()
  const { refresh } = await logIn()
  const claims = decodeClaims(refresh)
  t.deepEqual(Object.keys(claims), ['token_type', 'exp', 'iat', 'jti', 'user_id'])
  const now = Math.floor(clock.now() / 1_000)
  t.like(claims, { token_type: 'refresh', iat: now })
  t.is(claims['exp'], Math.floor((clock.now() + 7 * 86_400_000) / 1_000))
  t.deepEqual(JSON.parse(Buffer.from(refresh.split('.')[0] ?? '', 'base64url').toString()), {
    alg: 'HS256',
    typ: 'JWT',
  })
})

test.serial('TestTokenRefreshView.test_fields_missing', async (t) => {
  const { post } = await speak()
  const answer = await post('refresh/', {})
  t.is(answer.status, 400)
  t.deepEqual(answer.body, { refresh: ['This field is required.'] })
})

test.serial('TestTokenRefreshView.test_it_should_return_401_if_token_invalid', async (t) => {
  const { clock, post, logIn } = await speak()
  const { access, refresh } = await logIn()
  const garbage = await post('refresh/', { refresh: 'a.b.c' })
  t.is(garbage.status, 401)
  t.is(garbage.headers.get('WWW-Authenticate'), 'Bearer realm="api"')
  t.deepEqual(garbage.body, tokenNotValid('Token is invalid'))
  t.deepEqual((await post('refresh/', { refresh: access })).body, tokenNotValid('Token has wrong type'))
  clock.advance(7 * 86_400_000)
  t.deepEqual((await post('refresh/', { refresh })).body, tokenNotValid('Token is expired'))
  t.deepEqual((await post('refresh/', { refresh: access })).body, tokenNotValid('Token is expired'))
})

test.serial('TestTokenRefreshView.test_it_should_return_access_token_if_everything_ok', async (t) => {
  const { clock, post, logIn } = await speak()
  const { access, refresh } = await logIn()
  clock.advance(60_000)
  const answer = await post('refresh/', { refresh })
  t.is(answer.status, 200)
  t.deepEqual(Object.keys(answer.body), ['access', 'refresh'])
  t.is(Number(decodeClaims(tokenOf(answer, 'access'))['exp']), Number(decodeClaims(access)['exp']) + 60)
})

test.serial('TestTokenVerifyView: any token of ours that is good now', async (t) => {
  const { issuer, clock, post, logIn } = await speak()
  t.deepEqual((await post('verify/', {})).body, { token: ['This field is required.'] })
  const { access, refresh } = await logIn()
  for (const token of [access, refresh]) {
    const answer = await post('verify/', { token })
    t.is(answer.status, 200)
    t.deepEqual(answer.body, {})
  }
  const garbage = await post('verify/', { token: 'a.b.c' })
  t.is(garbage.status, 401)
  t.deepEqual(garbage.body, tokenNotValid('Token is invalid'))
  await issuer.administration.users.setPassword('ada', 'another correct horse')
  for (const token of [access, refresh]) {
    const answer = await post('verify/', { token })
    t.is(answer.status, 400)
    t.deepEqual(answer.body, { non_field_errors: ['Token is blacklisted'] })
  }
  clock.advance(8 * 86_400_000)
  for (const token of [access, refresh]) {
    const answer = await post('verify/', { token })
    t.is(answer.status, 401)
    t.deepEqual(answer.body, tokenNotValid('Token is expired'))
  }
})

test.serial(
  'TestTokenBlacklistView: the session ends, and its access token with it (security 24)',
  async (t) => {
    const { post, logIn } = await speak()
    t.deepEqual((await post('blacklist/', {})).body, { refresh: ['This field is required.'] })
    t.deepEqual((await post('blacklist/', { refresh: 'x' })).body, tokenNotValid('Token is invalid'))
    const { access, refresh } = await logIn()
    t.deepEqual((await post('blacklist/', { refresh: access })).body, tokenNotValid('Token has wrong type'))
    const answer = await post('blacklist/', { refresh })
    t.is(answer.status, 200)
    t.deepEqual(answer.body, {})
    for (const path of ['refresh/', 'blacklist/']) {
      const again = await post(path, { refresh })
      t.is(again.status, 401)
      t.deepEqual(again.body, tokenNotValid('Token is blacklisted'))
    }
    t.is((await post('verify/', { token: access })).status, 400)
  },
)

test.serial('an expired token is not blacklisted, but said to be expired', async (t) => {
  const { clock, post, logIn } = await speak()
  const { refresh } = await logIn()
  clock.advance(7 * 86_400_000)
  t.deepEqual((await post('blacklist/', { refresh })).body, tokenNotValid('Token is expired'))
})

test.serial(
  'a token of a user that is disabled or deleted finds no active account (security 9)',
  async (t) => {
    const { issuer, post, logIn } = await speak()
    await issuer.administration.users.create('bob', { password })
    const [ada, bob] = [await logIn(), await logIn('bob')]
    await issuer.administration.users.disable('ada')
    await issuer.administration.users.delete('bob')
    for (const { refresh } of [ada, bob]) {
      const answer = await post('refresh/', { refresh })
      t.is(answer.status, 401)
      t.deepEqual(answer.body, { detail: 'No active account found for the given token.' })
    }
  },
)

test.serial('a changed password has ended the session (security 16)', async (t) => {
  const { issuer, post, logIn } = await speak()
  const { refresh } = await logIn()
  await issuer.administration.users.setPassword('ada', 'another correct horse')
  t.deepEqual((await post('refresh/', { refresh })).body, tokenNotValid('Token is blacklisted'))
})

test('a login of a project whose users have another name field', async (t) => {
  const { issuer, post } = await startSimpleJwt(t, { client: { django: { usernameField: 'email' } } })
  await issuer.administration.users.create('eve@example.org', { password })
  t.is((await post('', { email: 'eve@example.org', password })).status, 200)
  t.deepEqual((await post('', { username: 'ada', password })).body, { email: ['This field is required.'] })
})
