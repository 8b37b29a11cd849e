import test from 'ava'
import { startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import { day, hour, minute, second } from '../../src/lib/durations.ts'
import { startTestIssuer, TestClock } from '../support/in-process-issuer.ts'
import { basic, decodeClaims } from '../support/oauth.ts'
import { begin, isRefused, successor } from '../support/refreshing.ts'
import { auditTypes, isActive, listSessions, login, refresh } from '../support/requests.ts'

test('security 19: a retry within the window gets the same successor and a fresh access token', async (t) => {
  const { clock, first, redeem } = await begin(t)
  const answer = await redeem(first)
  clock.advance(30 * second - 1)
  const retried = await redeem(first)
  t.is(successor(retried), successor(answer))
  t.not(retried.body['access_token'], answer.body['access_token'])
  t.is((await redeem(successor(answer))).status, 200)
})

test('security 19: retrying does not move the window', async (t) => {
  const { clock, first, redeem } = await begin(t)
  const second1 = successor(await redeem(first))
  for (let n = 0; n < 2; n++) {
    clock.advance(14 * second)
    t.is(successor(await redeem(first)), second1)
  }
  clock.advance(2 * second)
  t.true(isRefused(await redeem(first)))
  t.true(isRefused(await redeem(second1)))
})

test('security 19: outside the window it is reuse, which ends the session, durably and on record', async (t) => {
  const { clock, issuer, first, redeem } = await begin(t)
  const rotated = await redeem(first)
  clock.advance(30 * second)
  t.true(isRefused(await redeem(first)))
  t.true(isRefused(await redeem(successor(rotated))))
  t.false(await isActive(issuer, String(rotated.body['access_token'])))
  t.is((await auditTypes(issuer)).filter((type) => type === 'session.reused').length, 1)
  const { sid } = decodeClaims(String(rotated.body['access_token']))
  const [session] = await listSessions(issuer)
  t.is(session?.sid, String(sid))
  t.is(session?.endReason, 'reuse')
})

test('security 19: an ancestor is reuse however soon it comes', async (t) => {
  const { issuer, first, redeem } = await begin(t)
  const second1 = successor(await redeem(first))
  const third = successor(await redeem(second1))
  t.true(isRefused(await redeem(first)))
  t.true(isRefused(await redeem(third)))
  t.true((await auditTypes(issuer)).includes('session.reused'))
})

test('security 19: the same key retries however late, until the session ends', async (t) => {
  const { clock, first, redeem } = await begin(t)
  const answer = await redeem(first, 'key-1')
  for (const pause of [minute, hour, 6 * day]) {
    clock.advance(pause)
    t.is(successor(await redeem(first, 'key-1')), successor(answer))
  }
  clock.advance(day)
  t.true(isRefused(await redeem(first, 'key-1')), 'Retries do not keep a session from idling out.')
})

for (const [name, key] of [
  ['another key', 'key-2'],
  ['no key', undefined],
] as const) {
  test(`security 19: where a key was stored, ${name} within the window is refused and the session lives`, async (t) => {
    const { clock, issuer, first, redeem } = await begin(t)
    const answer = await redeem(first, 'key-1')
    clock.advance(29 * second)
    t.true(isRefused(await redeem(first, key)))
    t.is(successor(await redeem(first, 'key-1')), successor(answer))
    t.is((await redeem(successor(answer))).status, 200)
    t.false((await auditTypes(issuer)).includes('session.reused'))
  })

  test(`security 19: where a key was stored, ${name} after the window is reuse`, async (t) => {
    const { clock, issuer, first, redeem } = await begin(t)
    const answer = await redeem(first, 'key-1')
    clock.advance(30 * second)
    t.true(isRefused(await redeem(first, key)))
    t.true(isRefused(await redeem(successor(answer), 'key-1')))
    t.true((await auditTypes(issuer)).includes('session.reused'))
  })
}

test('security 19: a key that comes with a retry only is not stored; within the window it is a retry', async (t) => {
  const { clock, first, redeem } = await begin(t)
  const answer = await redeem(first)
  t.is(successor(await redeem(first, 'key-1')), successor(answer))
  clock.advance(30 * second)
  t.true(isRefused(await redeem(first, 'key-1')))
})

test('security 19: each generation has a key of its own', async (t) => {
  const { clock, first, redeem } = await begin(t)
  const second1 = successor(await redeem(first, 'key-1'))
  const third = successor(await redeem(second1, 'key-2'))
  clock.advance(hour)
  t.is(successor(await redeem(second1, 'key-2')), third)
  const fourth = successor(await redeem(third))
  clock.advance(hour)
  t.true(isRefused(await redeem(second1, 'key-2')), 'Its key is no longer that of the last rotation.')
  t.true(isRefused(await redeem(fourth)))
})

for (const [name, key] of [
  ['nothing', ''],
  ['two words', 'a b'],
  ['other than ASCII', 'ü'],
  ['256 characters', 'x'.repeat(256)],
] as const) {
  test(`an Idempotency-Key of ${name} is refused and redeems nothing`, async (t) => {
    const { first, redeem } = await begin(t)
    t.is((await redeem(first, key)).body['error'], 'invalid_request')
    t.is((await redeem(first)).status, 200)
  })
}

test('security 19: a window of nothing retries by key only', async (t) => {
  const { issuer, first, redeem } = await begin(t, { environment: { MINTAGE_REFRESH_RETRY_WINDOW: '0s' } })
  const answer = await redeem(first, 'key-1')
  t.is(successor(await redeem(first, 'key-1')), successor(answer))
  const next = successor(await redeem(successor(answer)))
  t.true(isRefused(await redeem(successor(answer))))
  t.true(isRefused(await redeem(next)))
  t.true((await auditTypes(issuer)).includes('session.reused'))
})

test('security 19: a client has a window of its own', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const headers = new Map<string, Record<string, string>>()
  for (const [id, retryWindow] of [
    ['patient', 5 * minute],
    ['strict', 0],
  ] as const) {
    const grants = ['password', 'refresh_token'] as const
    const { secret } = await issuer.administration.clients.create(id, false, { grants, retryWindow })
    headers.set(id, basic({ id, secret: secret ?? '' }))
  }
  const retry = async (id: string, pause: number) => {
    const { refresh_token } = await login(issuer, {}, headers.get(id))
    await refresh(issuer, refresh_token, {}, headers.get(id))
    clock.advance(pause)
    return (await refresh(issuer, refresh_token, {}, headers.get(id))).status
  }
  t.is(await retry('patient', 5 * minute - 1), 200)
  t.is(await retry('patient', 5 * minute), 400)
  t.is(await retry('strict', 0), 400)
})

for (const [name, step] of [
  ['an hour back', -hour],
  ['ten days back', -10 * day],
] as const) {
  test(`security 19: a clock that goes ${name} shortens no window and ends no session`, async (t) => {
    const { clock, first, redeem } = await begin(t)
    const answer = await redeem(first)
    clock.advance(step)
    t.is(successor(await redeem(first)), successor(answer))
    t.is((await redeem(successor(answer))).status, 200)
  })
}

test('security 19: the window counts from when the node can serve, so an outage shortens nobody’s', async (t) => {
  const { clock, issuer, first, redeem } = await begin(t)
  const answer = await redeem(first)
  const start = async () => {
    const config = readConfig({
      MINTAGE_PORT: '0',
      MINTAGE_DATABASE_URL: issuer.databaseUrl,
      MINTAGE_KEYS_DIR: issuer.keysDir,
      MINTAGE_LOG_LEVEL: 'silent',
    })
    const running = await startIssuer({ config, clock, prepare: async () => issuer.url })
    t.teardown(() => running.stop('end of test'))
    return { ...issuer, url: running.url }
  }
  clock.advance(hour)
  const restarted = await start()
  clock.advance(30 * second - 1)
  t.is(successor(await refresh(restarted, first)), successor(answer))
  clock.advance(1)
  t.true(isRefused(await refresh(restarted, first)))
  t.true(isRefused(await refresh(restarted, successor(answer))))
})

test('security 19: many refreshes of one token at once agree on one successor', async (t) => {
  const { first, redeem } = await begin(t)
  const answers = await Promise.all(Array.from({ length: 40 }, () => redeem(first)))
  t.deepEqual([...new Set(answers.map((answer) => answer.status))], [200])
  t.is(new Set(answers.map(successor)).size, 1)
  t.is((await redeem(answers.map(successor)[0] ?? '')).status, 200)
})
