import test, { type ExecutionContext } from 'ava'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { openInstallation } from '../../src/compose/installation.ts'
import { startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import { second } from '../../src/lib/durations.ts'
import { TestClock } from '../support/in-process-issuer.ts'
import { makeDirectory } from '../support/installation.ts'
import { basic, decodeClaims, post, toPair } from '../support/oauth.ts'
import { eventualBit } from '../support/status.ts'
import { hashMigrations, type KeptSession, layDown, listFixtures, readFixture } from './fixture.ts'
import { checkout } from './old-version.ts'

/** This version on what another one has left, at the time when it left it. */
async function open(t: ExecutionContext, name: string) {
  const fixture = readFixture(name)
  const config = readConfig({
    ...fixture.environment,
    ...layDown(name, makeDirectory(t)),
    MINTAGE_LOG_LEVEL: 'silent',
    MINTAGE_THROTTLE: 'off',
  })
  const clock = new TestClock()
  clock.advance(fixture.madeAt + second - clock.now())
  const issuer = await startIssuer({ config, clock })
  const installation = await openInstallation(config, { clock, onProblem: (error) => t.fail(String(error)) })
  t.teardown(async () => {
    await issuer.stop('end of test')
    await installation.close()
  })
  const ask = (endpoint: string, form: Readonly<Record<string, string>>, headers = {}) =>
    post(`${issuer.url}/oauth2/${endpoint}`, form, { ...basic(fixture.service), ...headers })
  return {
    ...fixture,
    url: issuer.url,
    administration: installation.administration,
    refresh: (token: string, headers = {}) =>
      ask('token', { grant_type: 'refresh_token', refresh_token: token }, headers),
    login: () => ask('token', { grant_type: 'password', username: 'ada', password: fixture.password }),
    revoke: (token: string) => ask('revoke', { token }),
    isActive: async (token: string) => (await ask('introspect', { token })).body['active'],
    verify: (token: string) =>
      jwtVerify(token, createRemoteJWKSet(new URL(`${issuer.url}/.well-known/jwks.json`)), {
        issuer: fixture.environment['MINTAGE_ISSUER'] ?? '',
        currentDate: new Date(clock.now()),
      }),
    exchange: async (refresh: string) => {
      const answer = await fetch(`${issuer.url}/api/token/refresh/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ refresh }),
      })
      return { status: answer.status, refresh: Object(await answer.json())['refresh'] }
    },
  }
}

test('a released migration never changes', (t) => {
  const today = hashMigrations(checkout)
  for (const name of listFixtures()) t.like(today, readFixture(name).migrations, name)
})

for (const name of listFixtures()) {
  test(`${name}: sessions go on: each latest token is refreshed, each lost answer given again`, async (t) => {
    const { sessions, refresh } = await open(t, name)
    const { fresh, refreshed, often, keyed, newerMacKey, flagged } = sessions
    // The answer to the last refresh was lost with the upgrade.
    t.is(toPair(await refresh(refreshed.before ?? '')).refresh_token, refreshed.refresh_token)
    const key = { 'Idempotency-Key': keyed.idempotency_key ?? '' }
    t.is(toPair(await refresh(keyed.before ?? '', key)).refresh_token, keyed.refresh_token)
    for (const { refresh_token } of [fresh, refreshed, often, keyed, newerMacKey, flagged]) {
      const next = toPair(await refresh(refresh_token))
      t.not(next.refresh_token, refresh_token)
      t.is(toPair(await refresh(refresh_token)).refresh_token, next.refresh_token)
    }
  })

  test(`${name}: what was refused is refused still, and an old token that is used again ends its session`, async (t) => {
    const { sessions, refresh } = await open(t, name)
    const refuse = async ({ refresh_token }: Pick<KeptSession, 'refresh_token'>) =>
      t.like((await refresh(refresh_token)).body, { error: 'invalid_grant' })
    await refuse(sessions.ended)
    await refuse(sessions.ofDisabled)
    await refuse({ refresh_token: sessions.keyed.before ?? '' })
    const next = toPair(await refresh(sessions.often.refresh_token))
    toPair(await refresh(next.refresh_token))
    await refuse({ refresh_token: sessions.often.before ?? '' })
    await refuse(next)
  })

  test(`${name}: access tokens verify by the published keys and are active, except those that were revoked`, async (t) => {
    const { sessions, clientToken, isActive, verify, url } = await open(t, name)
    const { ended, ofDisabled, flagged, ...live } = sessions
    for (const token of [
      clientToken,
      flagged.access_token,
      ...Object.values(live).map((each) => each.access_token),
    ]) {
      t.is((await verify(token)).payload['client_id'], 'service')
      t.is(await isActive(token), true)
      t.is(await eventualBit(token, url, 0), 0)
    }
    for (const token of [ended.access_token, ofDisabled.access_token, flagged.revoked_access_token]) {
      t.is(await isActive(token), false)
      t.is(await eventualBit(token, url, 1), 1, 'the status list holds the old bit')
    }
  })

  test(`${name}: old tokens can be revoked`, async (t) => {
    const { sessions, clientToken, revoke, refresh, isActive, url } = await open(t, name)
    t.is((await revoke(sessions.fresh.refresh_token)).status, 200)
    t.like((await refresh(sessions.fresh.refresh_token)).body, { error: 'invalid_grant' })
    t.is(await eventualBit(sessions.fresh.access_token, url, 1), 1)
    t.is((await revoke(clientToken)).status, 200)
    t.is(await isActive(clientToken), false)
    t.is(await eventualBit(clientToken, url, 1), 1)
  })

  test(`${name}: refresh tokens of a Django project are exchanged still, each for one session`, async (t) => {
    const { foreign, exchange } = await open(t, name)
    t.deepEqual(await exchange(foreign.exchanged), { status: 200, refresh: foreign.became })
    const kept = await exchange(foreign.kept)
    t.is(kept.status, 200)
    t.deepEqual(await exchange(foreign.kept), kept)
    t.is((await exchange(foreign.became)).status, 200)
  })

  test(`${name}: users log in, and the audit chain goes on from where it was`, async (t) => {
    const { administration, login } = await open(t, name)
    const before = await administration.auditSeal.verify()
    t.like(before, { intact: true, mark: 'reached' })
    t.true(before.head.sequence > 10)
    const { access_token } = toPair(await login())
    t.truthy(decodeClaims(access_token)['sid'])
    t.like(await administration.auditSeal.verify(), { intact: true })
  })
}
