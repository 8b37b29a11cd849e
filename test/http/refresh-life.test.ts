import test from 'ava'
import { day, second } from '../../src/lib/durations.ts'
import { basic } from '../support/oauth.ts'
import { begin, isRefused, successor } from '../support/refreshing.ts'
import { ask, isActive, refresh } from '../support/requests.ts'

test('security 18: another client’s token is refused and audited, and its session lives', async (t) => {
  const { issuer, first, redeem } = await begin(t)
  const { secret } = await issuer.administration.clients.create('thief', false, { grants: ['refresh_token'] })
  const thief = basic({ id: 'thief', secret: secret ?? '' })
  t.true(isRefused(await refresh(issuer, first, {}, thief)))
  const form = { grant_type: 'refresh_token', refresh_token: first, client_id: 'app' }
  t.true(isRefused(await ask(issuer, 'token', form, {})))
  const rows = (await issuer.store.audit.tail(100)).filter(
    ({ event }) => event.type === 'session.foreign_client',
  )
  t.deepEqual(
    rows.map(({ event }) => 'presentedBy' in event && event.presentedBy),
    ['thief', 'app'],
  )
  t.is((await redeem(first)).status, 200)
})

test('security 20: a session idles out when it is presented, and each refresh begins anew', async (t) => {
  const { clock, first, redeem } = await begin(t)
  clock.advance(7 * day - 1)
  const answer = await redeem(first)
  t.is(answer.body['refresh_token_expires_in'], (7 * day) / second)
  clock.advance(7 * day - 1)
  const again = await redeem(successor(answer))
  t.is(again.status, 200)
  clock.advance(7 * day)
  t.true(isRefused(await redeem(successor(again))))
})

test('security 20: no refreshing takes a session past its absolute life', async (t) => {
  const { clock, issuer, first, redeem } = await begin(t, {
    environment: { MINTAGE_SESSION_IDLE_TTL: '40d', MINTAGE_SESSION_TTL: '90d' },
  })
  let token = first
  for (let n = 0; n < 2; n++) {
    clock.advance(39 * day)
    token = successor(await redeem(token))
  }
  clock.advance(12 * day - 10 * second)
  const last = await redeem(token)
  t.is(last.status, 200)
  t.true(Number(last.body['refresh_token_expires_in']) <= 10)
  t.true(Number(last.body['expires_in']) <= 10, 'Its access token ends with the session.')
  clock.advance(10 * second)
  t.true(isRefused(await redeem(successor(last))))
  t.false(await isActive(issuer, String(last.body['access_token'])))
})
