import test, { type ExecutionContext } from 'ava'
import type { ClientSettings } from '../../../src/admin/client-admin.ts'
import { shareSimpleJwt, startSimpleJwt, tokenNotValid, tokenOf } from '../../support/django.ts'
import { eventually } from '../../support/eventually.ts'
import { password } from '../../support/in-process-issuer.ts'
import { decodeClaims } from '../../support/oauth.ts'

// The behaviours of djangorestframework-simplejwt 5.5.1's own tests/test_views.py, each by its class and name.

const sliding = { django: { slidingTokens: true } }
const share = shareSimpleJwt(test, { client: sliding })

async function speak() {
  return withSliding(await share())
}

async function startSliding(t: ExecutionContext, client: ClientSettings = {}) {
  return withSliding(await startSimpleJwt(t, { client: { ...sliding, ...client } }))
}

function withSliding(spoken: Awaited<ReturnType<typeof startSimpleJwt>>) {
  const logInSliding = async () => tokenOf(await spoken.post('', { username: 'ada', password }), 'token')
  return { ...spoken, logInSliding }
}

test.serial('TestTokenObtainSlidingView.test_fields_missing and test_credentials_wrong', async (t) => {
  const { issuer, post } = await speak()
  const required = ['This field is required.']
  t.deepEqual((await post('', {})).body, { username: required, password: required })
  t.deepEqual((await post('', { username: 'ada' })).body, { password: required })
  t.deepEqual((await post('', { password })).body, { username: required })
  const wrong = await post('', { username: 'ada', password: 'test_user' })
  await issuer.administration.users.disable('ada')
  const inactive = await post('', { username: 'ada', password })
  for (const answer of [wrong, inactive]) {
    t.is(answer.status, 401)
    t.deepEqual(answer.body, { detail: 'No active account found with the given credentials' })
  }
})

test.serial('TestTokenObtainSlidingView.test_success', async (t) => {
  const { user, clock, post } = await speak()
  const answer = await post('', { username: 'ada', password })
  t.is(answer.status, 200)
  t.deepEqual(Object.keys(answer.body), ['token'])
  t.like(decodeClaims(tokenOf(answer, 'token')), {
    token_type: 'sliding',
    refresh_exp: Math.floor((clock.now() + 7 * 86_400_000) / 1_000),
    user_id: user.id,
    sub: user.id,
  })
})

test.serial(
  'TestTokenRefreshSlidingView.test_fields_missing and test_it_should_return_401_if_token_invalid',
  async (t) => {
    const { issuer, clock, post, logInSliding } = await speak()
    t.deepEqual((await post('refresh/', {})).body, { token: ['This field is required.'] })
    t.deepEqual((await post('refresh/', { token: 'a.b.c' })).body, tokenNotValid('Token is invalid'))
    const token = await logInSliding()
    const { clients } = issuer.administration
    const obtain = () => post('', { username: 'ada', password })
    await clients.update('web', { django: { slidingTokens: false } })
    const pair = await eventually(obtain, ({ body }) => 'access' in body)
    await clients.update('web', { django: { slidingTokens: true } })
    await eventually(obtain, ({ body }) => 'token' in body)
    for (const member of ['access', 'refresh'] as const) {
      const answer = await post('refresh/', { token: tokenOf(pair, member) })
      t.deepEqual(answer.body, tokenNotValid('Token has wrong type'), member)
    }
    clock.advance(15 * 60_000)
    const expired = await post('refresh/', { token })
    t.is(expired.status, 401)
    t.deepEqual(expired.body, tokenNotValid('Token is expired'))
  },
)

test('TestTokenRefreshSlidingView.test_it_should_return_401_if_token_has_refresh_period_expired', async (t) => {
  const { clock, post, logInSliding } = await startSliding(t, { sessionIdleTtl: 60_000 })
  const token = await logInSliding()
  clock.advance(60_000)
  const answer = await post('refresh/', { token })
  t.is(answer.status, 401)
  t.is(answer.body['code'], 'token_not_valid')
})

test.serial(
  'TestTokenRefreshSlidingView.test_it_should_update_token_exp_claim_if_everything_ok',
  async (t) => {
    const { clock, post, logInSliding } = await speak()
    const token = await logInSliding()
    clock.advance(60_000)
    const answer = await post('refresh/', { token })
    t.is(answer.status, 200)
    t.deepEqual(Object.keys(answer.body), ['token'])
    const [before, after] = [decodeClaims(token), decodeClaims(tokenOf(answer, 'token'))]
    t.is(Number(after['exp']), Number(before['exp']) + 60)
    t.is(after['refresh_exp'], before['refresh_exp'])
    t.is(after['sid'], before['sid'])
    t.is((await post('refresh/', { token })).status, 200, 'it can be exchanged until it expires')
  },
)

test.serial('a sliding token is verified, but is no refresh token that could be blacklisted', async (t) => {
  const { post, logInSliding } = await speak()
  const token = await logInSliding()
  t.deepEqual((await post('verify/', { token })).body, {})
  t.deepEqual((await post('blacklist/', { refresh: token })).body, tokenNotValid('Token has wrong type'))
})

test.serial('security 16: a disabled user slides no further', async (t) => {
  const { issuer, post, logInSliding } = await speak()
  const token = await logInSliding()
  await issuer.administration.users.disable('ada')
  const answer = await post('refresh/', { token })
  t.is(answer.status, 401)
  t.is(answer.body['code'], 'token_not_valid')
})

test("another client's sliding token is none of this one's", async (t) => {
  const { issuer, post, logInSliding } = await startSliding(t)
  const token = await logInSliding()
  await issuer.administration.clients.delete('web')
  await issuer.administration.clients.create('web', true, {
    grants: ['password', 'refresh_token'],
    django: { slidingTokens: true },
  })
  t.is((await post('refresh/', { token })).status, 401)
})
