import test from 'ava'
import { eventually } from '../support/eventually.ts'
import { audience, password, startTestIssuer } from '../support/in-process-issuer.ts'
import { basic, decodeClaims, post, toPair } from '../support/oauth.ts'

test('a session that began before the first API goes on when it comes, for the audience that it was for', async (t) => {
  const issuer = await startTestIssuer(t)
  const client = basic(issuer.service)
  const token = `${issuer.url}/oauth2/token`
  const audienceNow = async () => {
    const answer = await post(token, { grant_type: 'client_credentials' }, client)
    const { access_token } = answer.body
    return typeof access_token === 'string' ? decodeClaims(access_token)['aud'] : undefined
  }
  const { administration } = issuer
  await administration.clients.update('service', { audiences: null })
  await administration.apis.delete(audience)
  t.is(await eventually(audienceNow, (aud) => aud === issuer.url), issuer.url)
  const first = toPair(await post(token, { grant_type: 'password', username: 'ada', password }, client))
  t.is(decodeClaims(first.access_token)['aud'], issuer.url)

  await administration.apis.create('https://first.example', { scopes: ['read'] })
  t.is(await eventually(audienceNow, (aud) => aud === 'https://first.example'), 'https://first.example')
  const refreshed = await post(
    token,
    { grant_type: 'refresh_token', refresh_token: first.refresh_token },
    client,
  )
  t.is(refreshed.status, 200, refreshed.text)
  t.is(decodeClaims(toPair(refreshed).access_token)['aud'], issuer.url)
})
