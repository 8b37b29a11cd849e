import test from 'ava'
import { hour } from '../../src/lib/durations.ts'
import { password, startTestIssuer, TestClock } from '../support/in-process-issuer.ts'
import { basic, post, toPair } from '../support/oauth.ts'

test('row 24: a session revoked by a clock that ran ahead stays ended when the clock is right again', async (t) => {
  const clock = new TestClock()
  const environment = { MINTAGE_SESSION_IDLE_TTL: '1h' }
  const issuer = await startTestIssuer(t, { clock, environment })
  const client = basic(issuer.service)
  const token = `${issuer.url}/oauth2/token`
  const login = await post(token, { grant_type: 'password', username: 'ada', password }, client)
  const { refresh_token } = toPair(login)
  clock.advance(2 * hour)
  const revoked = await post(`${issuer.url}/oauth2/revoke`, { token: refresh_token }, client)
  t.is(revoked.status, 200)
  clock.advance(-2 * hour)
  const refreshed = await post(token, { grant_type: 'refresh_token', refresh_token }, client)
  t.is(refreshed.status, 400)
  t.is(refreshed.body['error'], 'invalid_grant')
})
