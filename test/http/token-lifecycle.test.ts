import test from 'ava'
import { audience, password, startTestIssuer } from '../support/in-process-issuer.ts'
import { basic, decodeClaims, post, toPair } from '../support/oauth.ts'

test('credentials give a token pair, the pair is refreshed, and revoking the refresh token ends it', async (t) => {
  const issuer = await startTestIssuer(t)
  const client = basic(issuer.service)
  const token = `${issuer.url}/oauth2/token`

  const login = await post(token, { grant_type: 'password', username: 'ada', password }, client)
  t.is(login.status, 200)
  const pair = toPair(login)
  const claims = decodeClaims(pair.access_token)
  t.is(claims['sub'], issuer.user.id)
  t.is(claims['aud'], audience)

  const refreshed = toPair(
    await post(token, { grant_type: 'refresh_token', refresh_token: pair.refresh_token }, client),
  )
  t.not(refreshed.refresh_token, pair.refresh_token)
  t.is(decodeClaims(refreshed.access_token)['sid'], claims['sid'])

  const introspect = () => post(`${issuer.url}/oauth2/introspect`, { token: refreshed.access_token }, client)
  t.is((await introspect()).body['active'], true)
  t.is((await post(`${issuer.url}/oauth2/revoke`, { token: refreshed.refresh_token }, client)).status, 200)
  t.deepEqual((await introspect()).body, { active: false })
  const after = await post(
    token,
    { grant_type: 'refresh_token', refresh_token: refreshed.refresh_token },
    client,
  )
  t.is(after.status, 400)
  t.is(after.body['error'], 'invalid_grant')
})
