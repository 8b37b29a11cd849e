import test, { type ExecutionContext } from 'ava'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { type DjangoOptions, startDjango, tokenOf } from '../../support/django.ts'
import { eventually } from '../../support/eventually.ts'
import { audience, password } from '../../support/in-process-issuer.ts'
import { decodeClaims, post as postForm } from '../../support/oauth.ts'

const hour = 3_600_000
const minute = 60_000
const unable = { non_field_errors: ['Unable to log in with provided credentials.'] }
const problem = (message: string) => ({ non_field_errors: [message] })

async function startDrfJwt(t: ExecutionContext, options: DjangoOptions = {}) {
  const started = await startDjango(t, 'MINTAGE_DRF_JWT_CLIENT', options)
  const obtain = (username = 'ada') => started.post('/api-token-auth/', { username, password })
  const refresh = (token: string) => started.post('/api-token-refresh/', { token })
  const verify = (token: string) => started.post('/api-token-verify/', { token })
  const logIn = async () => tokenOf(await obtain(), 'token')
  return { ...started, obtain, refresh, verify, logIn }
}

test('djangorestframework-jwt: a login answers 200 with one token, which says what its payload handler says', async (t) => {
  const { issuer, clock, obtain } = await startDrfJwt(t)
  await issuer.administration.users.update('ada', { email: 'ada@example.org', claims: { user_id: 42 } })
  const answer = await obtain()
  t.is(answer.status, 200)
  t.deepEqual(Object.keys(answer.body), ['token'])
  t.is(answer.headers.get('Cache-Control'), 'no-store', 'security 3')
  const token = tokenOf(answer, 'token')
  const now = Math.floor(clock.now() / 1_000)
  t.like(decodeClaims(token), {
    user_id: 42,
    username: 'ada',
    email: 'ada@example.org',
    orig_iat: now,
    exp: now + 900,
    sub: issuer.user.id,
  })
  const jwks = createRemoteJWKSet(new URL(`${issuer.url}/.well-known/jwks.json`))
  const currentDate = new Date(clock.now())
  await t.notThrowsAsync(jwtVerify(token, jwks, { issuer: issuer.url, audience, currentDate }))
})

test('drf-jwt: a login answers 201 with the time of issue, and the token names no address', async (t) => {
  const { clock, obtain, refresh, verify, logIn } = await startDrfJwt(t, {
    client: { django: { drfJwtPackage: 'drf-jwt' } },
  })
  const answer = await obtain()
  t.is(answer.status, 201)
  t.deepEqual(Object.keys(answer.body), ['pk', 'token'])
  t.is(answer.body['pk'], Math.floor(clock.now() / 1_000))
  const first = await logIn()
  t.false('email' in decodeClaims(first))
  const second = tokenOf(await refresh(first), 'token')
  const third = tokenOf(await refresh(second), 'token')
  const { jti } = decodeClaims(first)
  t.like(decodeClaims(second), { orig_jti: jti })
  t.like(decodeClaims(third), { orig_jti: jti })
  t.is((await verify(third)).status, 201)
  t.deepEqual((await refresh('a.b.c')).body, problem('Error decoding token.'))
  clock.advance(15 * minute)
  t.deepEqual((await refresh(third)).body, problem('Token has expired.'))
})

test('whatever keeps a user out is one answer, and blank fields are named (security 11)', async (t) => {
  const { issuer, post, obtain } = await startDrfJwt(t)
  const required = ['This field is required.']
  t.deepEqual((await post('/api-token-auth/', {})).body, { username: required, password: required })
  const blank = await post('/api-token-auth/', { username: '', password: ' ' })
  t.deepEqual(blank.body, {
    username: ['This field may not be blank.'],
    password: ['This field may not be blank.'],
  })
  const wrong = await post('/api-token-auth/', { username: 'ada', password: 'wrong' })
  const unknown = await obtain('nobody')
  await issuer.administration.users.disable('ada')
  for (const answer of [wrong, unknown, await obtain()]) {
    t.is(answer.status, 400)
    t.deepEqual(answer.body, unable)
    t.is(answer.headers.get('WWW-Authenticate'), null)
  }
})

test('a token is exchanged while it is good, and keeps its first time of issue', async (t) => {
  const { clock, refresh, verify, logIn } = await startDrfJwt(t)
  const first = await logIn()
  clock.advance(10 * minute)
  const answer = await refresh(first)
  t.is(answer.status, 200)
  const second = tokenOf(answer, 'token')
  const [before, after] = [decodeClaims(first), decodeClaims(second)]
  t.is(after['orig_iat'], before['orig_iat'])
  t.is(after['exp'], Number(before['exp']) + 600)
  t.is(after['sid'], before['sid'])
  t.deepEqual((await verify(second)).body, { token: second })
  t.deepEqual((await verify(first)).body, { token: first }, 'the one before is good to its end')
  clock.advance(10 * minute)
  t.deepEqual((await refresh(first)).body, problem('Signature has expired.'))
  t.deepEqual((await verify(first)).body, problem('Signature has expired.'))
  t.is((await refresh(second)).status, 200)
})

test('nobody refreshes past the limit that counts from the login (security 20)', async (t) => {
  const { clock, refresh, logIn } = await startDrfJwt(t, {
    client: { accessTokenTtl: 24 * hour, sessionIdleTtl: 36 * hour },
  })
  const first = await logIn()
  clock.advance(20 * hour)
  const second = tokenOf(await refresh(first), 'token')
  clock.advance(16 * hour)
  const answer = await refresh(second)
  t.is(answer.status, 400)
  t.deepEqual(answer.body, problem('Refresh has expired.'))
})

test('a token of a user that is disabled or gone, or of an ended session, is good for nothing (security 9)', async (t) => {
  const { issuer, refresh, verify, logIn } = await startDrfJwt(t)
  const { users, sessions } = issuer.administration
  const ended = await logIn()
  await sessions.revoke(String(decodeClaims(ended)['sid']))
  t.deepEqual((await refresh(ended)).body, problem('Error decoding signature.'))
  t.deepEqual((await verify(ended)).body, problem('Error decoding signature.'))
  const disabled = await logIn()
  await users.disable('ada')
  t.deepEqual((await refresh(disabled)).body, problem('User account is disabled.'))
  t.deepEqual((await verify(disabled)).body, problem('User account is disabled.'))
  await users.enable('ada')
  const deleted = await logIn()
  await users.delete('ada')
  t.deepEqual((await refresh(deleted)).body, problem("User doesn't exist."))
  t.deepEqual((await verify(deleted)).body, problem("User doesn't exist."))
})

test('no token of another client, of another kind or with a changed bit is exchanged (security 21)', async (t) => {
  const { issuer, refresh, verify, logIn } = await startDrfJwt(t)
  const { administration, url } = issuer
  await administration.clients.create('other', true, { grants: ['password', 'refresh_token'] })
  const form = { grant_type: 'password', client_id: 'other', username: 'ada', password, resource: audience }
  const foreign = (await postForm(`${url}/oauth2/token`, form)).body
  for (const member of ['access_token', 'refresh_token']) {
    t.is((await refresh(String(foreign[member]))).status, 400, member)
  }
  t.deepEqual((await verify(String(foreign['access_token']))).body, problem('Invalid payload.'))
  const token = await logIn()
  const [header = '', payload = '', signature = ''] = token.split('.')
  const other = payload.startsWith('eyJ1') ? payload.replace(/.$/, 'A') : `A${payload.slice(1)}`
  for (const changed of [
    `${header}.${other}.${signature}`,
    `${token}=`,
    ` . .${token}`,
    token.slice(0, -1),
  ]) {
    t.deepEqual((await refresh(changed)).body, problem('Error decoding signature.'))
  }
  const own = { ...form, client_id: 'web' }
  const plain = await postForm(`${url}/oauth2/token`, own)
  const withoutTime = await refresh(String(plain.body['access_token']))
  t.deepEqual(withoutTime.body, problem('orig_iat field is required.'))
})

test('the cookie of JWT_AUTH_COOKIE holds the token as long as it is good, for no script to read', async (t) => {
  const { obtain, refresh, logIn } = await startDrfJwt(t, { client: { django: { authCookie: 'JWT' } } })
  const answer = await obtain()
  const token = tokenOf(answer, 'token')
  t.deepEqual(answer.headers.getSetCookie(), [
    `JWT=${token}; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax`,
  ])
  const next = await refresh(await logIn())
  t.true(next.headers.getSetCookie()[0]?.startsWith(`JWT=${tokenOf(next, 'token')};`))
  t.deepEqual((await refresh('nonsense')).headers.getSetCookie(), [])
})

test('what the client wants to know of the user joins the answer and the token (the response payload hook)', async (t) => {
  const { issuer, obtain, refresh } = await startDrfJwt(t, {
    client: {
      userData: {
        answer: { user: { id: '$user_id', name: '$username', mail: '$email', roles: '$claims.roles' }, v: 1 },
        token: { mail: '$email', price: '$$5' },
      },
    },
  })
  await issuer.administration.users.update('ada', { claims: { roles: ['editor'], user_id: 7 } })
  const answer = await eventually(obtain, ({ body }) => 'user' in body)
  const token = tokenOf(answer, 'token')
  const user = { id: '7', name: 'ada', mail: 'ada@example.org', roles: ['editor'] }
  t.deepEqual(answer.body, { user, v: 1, token })
  t.like(decodeClaims(token), { mail: 'ada@example.org', price: '$5', sub: issuer.user.id })
  await issuer.administration.users.update('ada', { email: null })
  t.like((await refresh(token)).body, { user: { ...user, mail: null } })
})
