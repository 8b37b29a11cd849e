import test from 'ava'
import { day, minute, second } from '../../src/lib/durations.ts'
import {
  audience,
  openTestIssuer,
  password,
  startTestIssuer,
  TestClock,
  type TestIssuer,
} from '../support/in-process-issuer.ts'
import { basic, decodeClaims } from '../support/oauth.ts'
import { ask, clientToken, isActive, login, refresh } from '../support/requests.ts'
import { fetchListOf } from '../support/status.ts'

const billing = 'https://billing.example'
const grants = ['client_credentials', 'password', 'refresh_token'] as const
let issuer: TestIssuer
const callers = new Map<string, { readonly Authorization: string }>()

test.before(async () => {
  issuer = await openTestIssuer()
  const { apis, clients } = issuer.administration
  await apis.create(billing, { scopes: ['invoices:read'] })
  const settings = {
    registered: { audiences: [audience, billing] },
    'open-to-all': { grants },
    elsewhere: { audiences: [billing] },
    'orders-api': {},
    'none-at-all': { audiences: [] },
  }
  for (const [id, setting] of Object.entries(settings)) {
    const { secret } = await clients.create(id, false, setting)
    callers.set(id, basic({ id, secret: secret ?? '' }))
  }
  await apis.update(audience, { introspectionClient: 'orders-api' })
})
test.after.always(() => issuer.stop())

const as = (id: string) => callers.get(id)
const introspect = async (token: string, headers?: Record<string, string>, extra = {}) =>
  (await ask(issuer, 'introspect', { token, ...extra }, headers)).text

const inactive = '{"active":false}'

test('security 22: the caller authenticates; a public client cannot', async (t) => {
  const token = await clientToken(issuer)
  for (const [form, headers] of [
    [{ token }, {}],
    [{ token, client_id: 'app' }, {}],
    [{ token, client_id: 'service' }, {}],
    [{ token }, basic({ id: 'service', secret: 'wrong' })],
    [{ token }, { Authorization: `Bearer ${token}` }],
  ] as const) {
    const answer = await ask(issuer, 'introspect', form, headers)
    t.is(answer.status, 401)
    t.is(answer.body['error'], 'invalid_client')
    t.truthy(answer.headers.get('www-authenticate'))
  }
  t.is((await ask(issuer, 'introspect', {})).body['error'], 'invalid_request')
})

test('security 22: the client that it was issued to sees the claims of an access token', async (t) => {
  const token = await clientToken(issuer)
  const answer = await ask(issuer, 'introspect', { token })
  t.deepEqual(answer.body, { active: true, token_type: 'Bearer', ...decodeClaims(token) })
})

test('security 22: a client registered for the audience sees an access token, by name or as the API’s own', async (t) => {
  const { access_token } = await login(issuer)
  for (const id of ['registered', 'orders-api']) {
    const answer = await ask(issuer, 'introspect', { token: access_token }, as(id))
    t.is(answer.body['active'], true, id)
    t.is(answer.body['sub'], issuer.user.id)
  }
})

test('security 22: nobody else sees more than that it is not active', async (t) => {
  const { access_token, refresh_token } = await login(issuer)
  for (const id of ['open-to-all', 'elsewhere', 'none-at-all']) {
    t.is(await introspect(access_token, as(id)), inactive, id)
    t.is(await introspect(refresh_token, as(id)), inactive, id)
  }
  for (const id of ['registered', 'orders-api']) t.is(await introspect(refresh_token, as(id)), inactive, id)
  t.true(await isActive(issuer, refresh_token))
})

test('security 22: what is no token is not active, whatever it looks like', async (t) => {
  const { access_token, refresh_token } = await login(issuer)
  const [header = '', payload = '', signature = ''] = access_token.split('.')
  const claims = decodeClaims(access_token)
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  for (const token of [
    'x',
    'mrt_',
    '...',
    '\u0000',
    'x'.repeat(20_000),
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `${header}.${payload}.${signature}=`,
    `${header}.${payload}.${signature.slice(0, -1)}`,
    `${header}.${encode({ ...claims, exp: Number(claims['exp']) + 1 })}.${signature}`,
    `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
    `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.${signature}`,
    ` ${access_token}`,
    refresh_token.slice(0, -1),
    `${refresh_token}A`,
  ]) {
    const answer = await ask(issuer, 'introspect', { token })
    t.is(answer.status, 200, token.slice(0, 40))
    t.is(answer.text, inactive, token.slice(0, 40))
  }
})

test('security 22: what the issuer signs besides access tokens is not active', async (t) => {
  const token = await clientToken(issuer)
  const list = await fetchListOf(token, issuer.url)
  t.is(decodeClaims(list)['iss'], decodeClaims(token)['iss'])
  t.is(await introspect(list), inactive)
  t.is(await introspect(list, as('registered')), inactive)
})

test('security 22: only the latest generation of a refresh token is active, and asking changes nothing', async (t) => {
  const { refresh_token } = await login(issuer)
  const body = (await ask(issuer, 'introspect', { token: refresh_token })).body
  t.is(body['active'], true)
  t.is(body['sub'], issuer.user.id)
  t.is(body['client_id'], 'service')
  const next = String((await refresh(issuer, refresh_token)).body['refresh_token'])
  for (let n = 0; n < 3; n++) {
    t.is(await introspect(refresh_token), inactive)
    t.true(await isActive(issuer, next))
  }
  t.is((await refresh(issuer, refresh_token)).body['refresh_token'], next, 'The retry was not disturbed.')
  t.is((await refresh(issuer, next)).status, 200)
})

test('security 22: a hint, right or wrong or unknown, changes nothing', async (t) => {
  const { access_token, refresh_token } = await login(issuer)
  for (const token_type_hint of ['access_token', 'refresh_token', 'nonsense', '']) {
    for (const token of [access_token, refresh_token]) {
      const answer = await ask(issuer, 'introspect', { token, token_type_hint })
      t.is(answer.body['active'], true, token_type_hint)
    }
  }
})

test('security 10: a free claim cannot say whether the token is active', async (t) => {
  const { users, clients } = issuer.administration
  const claims = { active: false, username: 'somebody-else' }
  await users.create('liar', { password, claims })
  const token = (await login(issuer, { username: 'liar' })).access_token
  t.is((await ask(issuer, 'introspect', { token })).body['active'], true)
  const { secret } = await clients.create('liar', false, { grants, claims: { active: 'maybe' } })
  const headers = basic({ id: 'liar', secret: secret ?? '' })
  const own = await clientToken(issuer, {}, headers)
  t.is((await ask(issuer, 'introspect', { token: own }, headers)).body['active'], true)
})

test('security 20: a token is not active from the second in which it expires', async (t) => {
  const clock = new TestClock()
  const timed = await startTestIssuer(t, { clock })
  const pair = await login(timed)
  const own = await clientToken(timed)
  const expiry = Number(decodeClaims(own)['exp']) * second
  clock.advance(expiry - 1 - clock.now())
  t.true(await isActive(timed, own))
  t.true(await isActive(timed, pair.access_token))
  clock.advance(1)
  t.false(await isActive(timed, own))
  t.false(await isActive(timed, pair.access_token))
  t.true(await isActive(timed, pair.refresh_token))
  clock.advance(7 * day - 15 * minute - second)
  t.true(await isActive(timed, pair.refresh_token))
  clock.advance(2 * second)
  t.false(await isActive(timed, pair.refresh_token))
})
