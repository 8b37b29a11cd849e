import test from 'ava'
import {
  audience,
  openTestIssuer,
  password,
  startTestIssuer,
  type TestIssuer,
} from '../support/in-process-issuer.ts'
import { basic, decodeClaims } from '../support/oauth.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'

const billing = 'https://billing.example'
const secret = 'https://secret.example'
const grants = ['client_credentials', 'password', 'refresh_token'] as const
let issuer: TestIssuer
const clients = new Map<string, { readonly Authorization: string }>()

test.before(async () => {
  issuer = await openTestIssuer()
  const { apis, clients: registry } = issuer.administration
  await apis.create(billing, { scopes: ['invoices:read', 'invoices:write', 'orders:read'] })
  await apis.create(secret, { scopes: ['secrets:read'] })
  const settings = {
    both: { grants, audiences: [billing, audience] },
    open: { grants },
    reader: { grants, audiences: [audience], scopes: ['orders:read'] },
    scopeless: { grants, audiences: [audience], scopes: [] },
  }
  for (const [id, setting] of Object.entries(settings)) {
    const created = await registry.create(id, false, setting)
    clients.set(id, basic({ id, secret: created.secret ?? '' }))
  }
})
test.after.always(() => issuer.stop())

const grant = { grant_type: 'client_credentials' }
const as = (id: string) => clients.get(id) ?? {}

test('security 7: without scope and resource, a token is for the first audience with all of its scopes', async (t) => {
  const both = decodeClaims(await clientToken(issuer, {}, as('both')))
  t.is(both['aud'], billing)
  t.is(both['scope'], 'invoices:read invoices:write orders:read')
  const open = decodeClaims(await clientToken(issuer, {}, as('open')))
  t.is(open['aud'], audience)
  t.is(open['scope'], 'orders:read orders:write')
  const reader = await ask(issuer, 'token', grant, as('reader'))
  t.is(reader.body['scope'], 'orders:read')
})

test('security 7: resource chooses among the audiences of the client (RFC 8707)', async (t) => {
  for (const resource of [audience, billing]) {
    t.is(decodeClaims(await clientToken(issuer, { resource }, as('both')))['aud'], resource)
  }
  const scope = 'orders:read'
  t.is(decodeClaims(await clientToken(issuer, { resource: audience, scope }, as('both')))['aud'], audience)
})

test('security 7: the audience is inferred from the scope: the first that has all of it (RFC 9068 §3)', async (t) => {
  const audienceOf = async (scope: string) =>
    decodeClaims(await clientToken(issuer, { scope }, as('both')))['aud']
  t.is(await audienceOf('orders:write'), audience)
  t.is(await audienceOf('invoices:read'), billing)
  t.is(await audienceOf('orders:read'), billing)
  t.is(await audienceOf('orders:read orders:write'), audience)
})

test('security 7: a token is for one audience, so scopes of two are refused', async (t) => {
  const answer = await ask(issuer, 'token', { ...grant, scope: 'orders:write invoices:read' }, as('both'))
  t.is(answer.body['error'], 'invalid_scope')
})

for (const resource of [
  secret,
  'https://api.example/',
  'HTTPS://API.EXAMPLE',
  'nonsense',
  '__proto__',
  `${audience} `,
]) {
  test(`security 7: the resource ${JSON.stringify(resource)} is not open to the client`, async (t) => {
    for (const form of [
      { ...grant, resource },
      { grant_type: 'password', username: 'ada', password, resource },
    ]) {
      const answer = await ask(issuer, 'token', form, as('both'))
      t.is(answer.status, 400)
      t.is(answer.body['error'], 'invalid_target')
    }
  })
}

for (const scope of [
  'secrets:read',
  'orders:write',
  'orders:read orders:write',
  'orders',
  'ORDERS:READ',
  'orders:read "',
  'orders:read\\',
  'orders:read\tx',
  'ordérs',
  'constructor',
  '*',
]) {
  test(`security 7: the scope ${JSON.stringify(scope)} is beyond the registration`, async (t) => {
    for (const form of [
      { ...grant, scope },
      { grant_type: 'password', username: 'ada', password, scope },
    ]) {
      const answer = await ask(issuer, 'token', form, as('reader'))
      t.is(answer.status, 400)
      t.is(answer.body['error'], 'invalid_scope')
    }
  })
}

test('security 7: a client without any scope gets tokens without any, and the answer says none', async (t) => {
  const answer = await ask(issuer, 'token', grant, as('scopeless'))
  t.false('scope' in answer.body)
  t.false('scope' in decodeClaims(String(answer.body['access_token'])))
  const asked = await ask(issuer, 'token', { ...grant, scope: 'orders:read' }, as('scopeless'))
  t.is(asked.body['error'], 'invalid_scope')
})

test('the answer says the scope that the token has, each once, as requested', async (t) => {
  const scope = 'orders:write  orders:read orders:write'
  const answer = await ask(issuer, 'token', { ...grant, scope }, as('both'))
  t.is(answer.body['scope'], 'orders:write orders:read')
  t.is(decodeClaims(String(answer.body['access_token']))['scope'], 'orders:write orders:read')
})

test('security 7: an installation without APIs has one audience, the issuer', async (t) => {
  const bare = await startTestIssuer(t)
  const created = await bare.administration.clients.create('plain', false, { grants, scopes: null })
  await bare.administration.clients.delete('service')
  await bare.administration.clients.delete('app')
  await bare.administration.apis.delete(audience)
  const headers = basic({ id: 'plain', secret: created.secret ?? '' })
  const token = async () => (await ask(bare, 'token', grant, headers)).body['access_token']
  for (let n = 0; n < 200 && decodeClaims(String(await token()))['aud'] !== bare.url; n++) {
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  t.is(decodeClaims(String(await token()))['aud'], bare.url)
})

test('security 18: a refresh gives the scope and audience of the session, whatever the first request had', async (t) => {
  const pair = await login(issuer, { resource: billing, scope: 'orders:read invoices:read' }, as('both'))
  const claims = decodeClaims(
    String((await refresh(issuer, pair.refresh_token, {}, as('both'))).body['access_token']),
  )
  t.is(claims['aud'], billing)
  t.is(claims['scope'], 'orders:read invoices:read')
})

test('security 18: the scope never grows, not by narrowing first', async (t) => {
  let token = (await login(issuer, { scope: 'orders:read orders:write' }, as('open'))).refresh_token
  const ask = async (scope?: string) => {
    const answer = await refresh(issuer, token, scope === undefined ? {} : { scope }, as('open'))
    if (answer.status === 200) token = String(answer.body['refresh_token'])
    return answer.body['error'] ?? answer.body['scope']
  }
  t.is(await ask('orders:read'), 'orders:read')
  // The narrowing was of one access token; the session keeps what it was granted, and nothing more.
  t.is(await ask(), 'orders:read orders:write')
  t.is(await ask('orders:write'), 'orders:write')
  t.is(await ask('orders:write invoices:read'), 'invalid_scope')
  t.is(await ask('secrets:read'), 'invalid_scope')
  t.is(await ask('orders:read orders:write'), 'orders:read orders:write')

  token = (await login(issuer, { scope: 'orders:read' }, as('open'))).refresh_token
  t.is(await ask('orders:read orders:write'), 'invalid_scope')
  t.is(await ask(), 'orders:read')
})

test('security 18: the audience is that of the session, and asking for another one touches nothing', async (t) => {
  const pair = await login(issuer, { resource: audience }, as('both'))
  for (const resource of [billing, secret, `${audience}/`]) {
    t.is(
      (await refresh(issuer, pair.refresh_token, { resource }, as('both'))).body['error'],
      'invalid_target',
    )
  }
  t.is((await refresh(issuer, pair.refresh_token, { resource: audience }, as('both'))).status, 200)
})

test('security 18: a refused scope or audience redeems nothing and ends nothing', async (t) => {
  const { refresh_token } = await login(issuer)
  await refresh(issuer, refresh_token, { scope: 'unknown' })
  await refresh(issuer, refresh_token, { resource: billing })
  const first = await refresh(issuer, refresh_token)
  t.is(first.status, 200)
  t.is((await refresh(issuer, String(first.body['refresh_token']))).status, 200)
})
