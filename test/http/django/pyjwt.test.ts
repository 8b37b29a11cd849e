import test, { type ExecutionContext } from 'ava'
import { type DjangoOptions, startDjango, tokenOf } from '../../support/django.ts'
import { password } from '../../support/in-process-issuer.ts'
import { decodeClaims } from '../../support/oauth.ts'

const email = 'Ada@example.org'
const invalidToken = { error: 'Invalid or expired token', code: 'INVALID_TOKEN' }

async function startPyJwt(t: ExecutionContext, options: DjangoOptions = {}) {
  const started = await startDjango(t, 'MINTAGE_PYJWT_CLIENT', options)
  await started.issuer.administration.users.update('ada', { email })
  const login = (address = email) => started.post('/auth/login/', { email: address, password })
  const refresh = (token: string) => started.post('/auth/refresh/', { refresh: token })
  const logIn = async () => {
    const answer = await login()
    return { access: tokenOf(answer, 'access'), refresh: tokenOf(answer, 'refresh') }
  }
  return { ...started, login, refresh, logIn }
}

test('a user logs in by e-mail, whatever its case, and gets a pair that tells its types', async (t) => {
  const { issuer, login } = await startPyJwt(t)
  const answer = await login('ada@EXAMPLE.org')
  t.is(answer.status, 200)
  t.deepEqual(Object.keys(answer.body), ['access', 'refresh'])
  t.like(decodeClaims(tokenOf(answer, 'access')), { type: 'access', user_id: issuer.user.id })
  t.like(decodeClaims(tokenOf(answer, 'refresh')), { type: 'refresh', user_id: issuer.user.id })
})

test('whatever keeps a user out is one answer: INVALID_CREDENTIALS (security 11)', async (t) => {
  const { issuer, post, login } = await startPyJwt(t)
  const { users } = issuer.administration
  const wrong = await post('/auth/login/', { email, password: 'wrong' })
  const unknown = await login('nobody@example.org')
  const byName = await login('ada')
  await users.create('twin', { email })
  const ambiguous = await login()
  await users.delete('twin')
  await users.disable('ada')
  const inactive = await login()
  const half = await post('/auth/login/', { email })
  for (const answer of [wrong, unknown, byName, ambiguous, inactive, half]) {
    t.is(answer.status, 401)
    t.deepEqual(answer.body, { error: 'Invalid credentials', code: 'INVALID_CREDENTIALS' })
  }
})

test('a refresh token yields the next pair, and a retry of it the same one (security 19)', async (t) => {
  const { clock, refresh, logIn } = await startPyJwt(t)
  const first = await logIn()
  const answer = await refresh(first.refresh)
  t.is(answer.status, 200)
  const next = tokenOf(answer, 'refresh')
  t.not(next, first.refresh)
  t.is(tokenOf(await refresh(first.refresh), 'refresh'), next)
  clock.advance(60_000)
  t.deepEqual((await refresh(first.refresh)).body, invalidToken, 'used again much later, it ends the session')
  t.deepEqual((await refresh(next)).body, invalidToken)
})

test('each thing that is wrong with a refresh has its code', async (t) => {
  const { issuer, post, refresh, logIn } = await startPyJwt(t)
  for (const body of [{}, { refresh: '' }, { refresh: null }, { refresh: 5 }, [], 'null']) {
    const answer = await post('/auth/refresh/', body)
    t.is(answer.status, 400)
    t.deepEqual(answer.body, { error: 'Refresh token is required', code: 'MISSING_TOKEN' })
  }
  const pair = await logIn()
  const wrongType = await refresh(pair.access)
  t.is(wrongType.status, 401)
  t.deepEqual(wrongType.body, { error: 'Wrong token type', code: 'WRONG_TOKEN_TYPE' })
  for (const token of ['a.b.c', pair.refresh.slice(0, -1), `${pair.refresh}=`, ` ${pair.refresh}`]) {
    const answer = await refresh(token)
    t.is(answer.status, 401)
    t.deepEqual(answer.body, invalidToken)
  }
  const other = await logIn()
  await issuer.administration.users.disable('ada')
  const disabled = await refresh(pair.refresh)
  t.is(disabled.status, 401)
  t.deepEqual(disabled.body, { error: 'User not found', code: 'USER_NOT_FOUND' })
  await issuer.administration.users.delete('ada')
  t.deepEqual((await refresh(other.refresh)).body, { error: 'User not found', code: 'USER_NOT_FOUND' })
})

test('what Django REST framework refuses by itself is told in the same shape', async (t) => {
  const { issuer, post } = await startPyJwt(t)
  const get = await fetch(`${issuer.url}/auth/login/`)
  t.is(get.status, 405)
  t.deepEqual(await get.json(), { error: 'Method "GET" not allowed.', code: 'METHOD_NOT_ALLOWED' })
  const broken = await post('/auth/login/', '{')
  t.is(broken.status, 400)
  t.is(broken.body['code'], 'PARSE_ERROR')
})

test('a refresh token of one wire format is none in another (security 21)', async (t) => {
  const { post, refresh, logIn } = await startPyJwt(t, {
    issuer: { environment: { MINTAGE_SIMPLEJWT_CLIENT: 'web' } },
  })
  const { refresh: token } = await logIn()
  t.is((await post('/api/token/refresh/', { refresh: token })).status, 401)
  const simple = await post('/api/token/', { username: 'ada', password })
  t.deepEqual((await refresh(tokenOf(simple, 'refresh'))).body, invalidToken)
  t.is((await refresh(token)).status, 200, 'and it is still good')
})

test('without rotation the refresh token stays the same, and the answer has the access token alone', async (t) => {
  const { refresh, logIn } = await startPyJwt(t, { client: { django: { rotateRefreshTokens: false } } })
  const pair = await logIn()
  for (let times = 0; times < 2; times++) {
    const answer = await refresh(pair.refresh)
    t.is(answer.status, 200)
    t.deepEqual(Object.keys(answer.body), ['access'])
  }
})
