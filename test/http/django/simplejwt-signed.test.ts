import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { decode, encode } from '../../django/jwt.ts'
import { startSimpleJwt, tokenNotValid, tokenOf } from '../../support/django.ts'
import { password, type TestIssuer } from '../../support/in-process-issuer.ts'
import { fetchListOf } from '../../support/status.ts'

// What only the issuer's own key can sign; the names are those of djangorestframework-simplejwt 5.5.1's tests/test_views.py.

type Claims = Readonly<Record<string, unknown>>

/** The token with other claims, signed by the issuer's key. */
function resign({ keysDir }: TestIssuer, token: string, alter: (claims: Claims) => Claims): string {
  const decoded = decode(token)
  if (!decoded) throw new Error('No JWT.')
  const key = readFileSync(join(keysDir, `${decoded.header['kid']}.pem`), 'utf8')
  return encode({ header: decoded.header, claims: alter(decoded.claims) }, key)
}

const without =
  (name: string) =>
  ({ [name]: _, ...rest }: Claims): Claims =>
    rest

test('TestTokenVerifyView.test_it_should_ignore_token_type', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  const { access } = await logIn()
  const token = resign(issuer, access, (claims) => ({ ...claims, token_type: 'fake_type' }))
  const answer = await post('verify/', { token })
  t.is(answer.status, 200)
  t.deepEqual(answer.body, {})
})

test('TestTokenVerifyView.test_it_should_return_401_if_token_invalid: a token that lacks a claim', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  const { access } = await logIn()
  for (const name of ['exp', 'iat', 'jti', 'sub', 'aud', 'client_id']) {
    const token = resign(issuer, access, without(name))
    for (const [path, body] of [
      ['verify/', { token }],
      ['refresh/', { refresh: token }],
      ['blacklist/', { refresh: token }],
    ] as const) {
      const answer = await post(path, body)
      t.is(answer.status, 401, `${path} ${name}`)
      t.deepEqual(answer.body, tokenNotValid('Token is invalid'), `${path} ${name}`)
    }
  }
})

test('TestTokenRefreshView.test_it_should_return_access_token_if_everything_ok: it says what the first one said', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  await issuer.administration.users.update('ada', { claims: { test_claim: 'arst' } })
  const { access, refresh } = await logIn()
  const next = tokenOf(await post('refresh/', { refresh }), 'access')
  for (const token of [access, next]) t.is(decode(token)?.claims['test_claim'], 'arst')
})

test('TestTokenRefreshSlidingView.test_it_should_return_401_if_token_has_no_refresh_exp_claim', async (t) => {
  const { issuer, post } = await startSimpleJwt(t, { client: { django: { slidingTokens: true } } })
  const token = tokenOf(await post('', { username: 'ada', password }), 'token')
  const answer = await post('refresh/', { token: resign(issuer, token, without('refresh_exp')) })
  t.is(answer.status, 401)
  t.is(answer.body['code'], 'token_not_valid')
  const past = (claims: Claims) => ({ ...claims, refresh_exp: claims['iat'] })
  const late = await post('refresh/', { token: resign(issuer, token, past) })
  t.is(late.status, 401)
  t.deepEqual(late.body, tokenNotValid("Token 'refresh_exp' claim has expired"))
  t.is((await post('refresh/', { token: resign(issuer, token, (claims) => claims) })).status, 200)
})

test('security 32: a status list, which the same keys sign and anybody can fetch, is no token here', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  const list = await fetchListOf((await logIn()).access, issuer.url)
  t.is(decode(list)?.header['typ'], 'statuslist+jwt')
  for (const [path, body] of [
    ['verify/', { token: list }],
    ['refresh/', { refresh: list }],
    ['blacklist/', { refresh: list }],
  ] as const) {
    const answer = await post(path, body)
    t.is(answer.status, 401, path)
    t.deepEqual(answer.body, tokenNotValid('Token is invalid'), path)
  }
})

test('another spelling of a path is no endpoint', async (t) => {
  const { issuer } = await startSimpleJwt(t)
  for (const path of ['/api/token//', '/API/TOKEN/', '/api/token/verify//', '/Api/token']) {
    const { status } = await fetch(`${issuer.url}${path}`, { method: 'POST', redirect: 'manual' })
    t.is(status, 404, path)
  }
})
