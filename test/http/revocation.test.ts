import test from 'ava'
import { audience, openTestIssuer, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic } from '../support/oauth.ts'
import { ask, auditTypes, clientToken, isActive, login, refresh } from '../support/requests.ts'
import { fetchListOf } from '../support/status.ts'

let issuer: TestIssuer
let other: { readonly Authorization: string }
test.before(async () => {
  issuer = await openTestIssuer()
  const { secret } = await issuer.administration.clients.create('other', false, { audiences: [audience] })
  other = basic({ id: 'other', secret: secret ?? '' })
})
test.after.always(() => issuer.stop())

const revoke = (token: string, extra = {}, headers?: Record<string, string>) =>
  ask(issuer, 'revoke', { token, ...extra }, headers)

test('security 23: the caller authenticates', async (t) => {
  const token = await clientToken(issuer)
  for (const headers of [{}, basic({ id: 'service', secret: 'wrong' })]) {
    t.is((await revoke(token, {}, headers)).status, 401)
  }
  t.is((await ask(issuer, 'revoke', {})).body['error'], 'invalid_request')
  t.true(await isActive(issuer, token))
})

for (const token of [
  'x',
  'mrt_',
  `mrt_${'A'.repeat(76)}`,
  'a.b.c',
  '\u0000',
  '../../etc/passwd',
  'x'.repeat(30_000),
]) {
  test(`security 23: an unknown token (${JSON.stringify(token.slice(0, 12))}) revokes with 200`, async (t) => {
    for (const hint of [{}, { token_type_hint: 'access_token' }, { token_type_hint: 'refresh_token' }]) {
      const answer = await revoke(token, hint)
      t.is(answer.status, 200)
      t.is(answer.text, '')
    }
  })
}

test('security 23: a token of another installation revokes with 200', async (t) => {
  const elsewhere = await startTestIssuer(t)
  const pair = await login(elsewhere)
  for (const token of [pair.access_token, pair.refresh_token]) t.is((await revoke(token)).status, 200)
  t.true(await isActive(elsewhere, pair.access_token))
})

test('security 23: what the issuer signs besides access tokens revokes with 200', async (t) => {
  t.is((await revoke(await fetchListOf(await clientToken(issuer), issuer.url))).status, 200)
})

test('security 23: another client’s token is refused with an error, and nothing has changed', async (t) => {
  const pair = await login(issuer)
  const own = await clientToken(issuer)
  for (const token of [pair.access_token, pair.refresh_token, own]) {
    for (const hint of [{}, { token_type_hint: 'access_token' }, { token_type_hint: 'refresh_token' }]) {
      const answer = await revoke(token, hint, other)
      t.is(answer.status, 400)
      t.is(answer.body['error'], 'invalid_grant')
    }
    const asPublic = await ask(issuer, 'revoke', { token, client_id: 'app' }, {})
    t.is(asPublic.status, 400)
  }
  for (const token of [pair.access_token, pair.refresh_token, own]) t.true(await isActive(issuer, token))
  t.is((await refresh(issuer, pair.refresh_token)).status, 200)
})

test('security 24: revoking a refresh token ends the session and deactivates its access tokens', async (t) => {
  const pair = await login(issuer)
  const rotated = await refresh(issuer, pair.refresh_token)
  const bystander = await login(issuer)
  t.is((await revoke(String(rotated.body['refresh_token']))).status, 200)
  const tokens = [
    pair.access_token,
    pair.refresh_token,
    rotated.body['access_token'],
    rotated.body['refresh_token'],
  ]
  for (const token of tokens) t.false(await isActive(issuer, String(token)))
  for (const token of [pair.refresh_token, String(rotated.body['refresh_token'])]) {
    t.is((await refresh(issuer, token)).body['error'], 'invalid_grant')
  }
  t.true(await isActive(issuer, bystander.access_token))
  t.is((await refresh(issuer, bystander.refresh_token)).status, 200)
})

test('security 24: a refresh token of an earlier generation ends the session as well', async (t) => {
  const pair = await login(issuer)
  const rotated = await refresh(issuer, pair.refresh_token)
  t.is((await revoke(pair.refresh_token)).status, 200)
  t.is((await refresh(issuer, String(rotated.body['refresh_token']))).body['error'], 'invalid_grant')
})

for (const hint of ['access_token', 'refresh_token', 'nonsense', '']) {
  test(`security 24: the hint ${JSON.stringify(hint)} keeps no token from being revoked`, async (t) => {
    const pair = await login(issuer)
    const own = await clientToken(issuer)
    for (const token of [own, pair.refresh_token]) {
      t.is((await revoke(token, { token_type_hint: hint })).status, 200)
      t.false(await isActive(issuer, token))
    }
  })
}

test('security 24: revoking an access token leaves its session and every other token alive', async (t) => {
  const pair = await login(issuer)
  const own = await clientToken(issuer)
  const sibling = await clientToken(issuer)
  for (const token of [pair.access_token, own]) {
    t.is((await revoke(token)).status, 200)
    t.false(await isActive(issuer, token))
  }
  t.true(await isActive(issuer, sibling))
  t.true(await isActive(issuer, pair.refresh_token))
  const rotated = await refresh(issuer, pair.refresh_token)
  t.true(await isActive(issuer, String(rotated.body['access_token'])))
  t.false(await isActive(issuer, pair.access_token))
})

test('a public client revokes its own tokens', async (t) => {
  const form = { client_id: 'app' }
  const pair = await login(issuer, form, {})
  t.is((await ask(issuer, 'revoke', { token: pair.access_token, ...form }, {})).status, 200)
  t.is((await ask(issuer, 'revoke', { token: pair.refresh_token, ...form }, {})).status, 200)
  const answer = await ask(
    issuer,
    'token',
    { grant_type: 'refresh_token', refresh_token: pair.refresh_token, ...form },
    {},
  )
  t.is(answer.body['error'], 'invalid_grant')
  t.false(
    await isActive(issuer, pair.access_token, other),
    'The other client is registered for the audience.',
  )
})

test('security 39: a revocation is one audit row, however often it is asked for', async (t) => {
  const own = await startTestIssuer(t)
  const pair = await login(own)
  for (let n = 0; n < 3; n++) {
    for (const token of [pair.access_token, pair.refresh_token]) {
      t.is((await ask(own, 'revoke', { token })).status, 200)
    }
  }
  const types = await auditTypes(own)
  t.is(types.filter((type) => type === 'access_token.revoked').length, 1)
  t.is(types.filter((type) => type === 'session.revoked').length, 1)
})
