import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { hour } from '../../src/lib/durations.ts'
import { openTestIssuer, password, startTestIssuer, TestClock } from '../support/in-process-issuer.ts'
import { basic } from '../support/oauth.ts'
import { ask, clientToken, login, refresh, until } from '../support/requests.ts'

test('a rotated secret works beside the new one, and a third ends the first', async (t) => {
  const issuer = await startTestIssuer(t)
  const works = async (secret: string) =>
    (await ask(issuer, 'token', { grant_type: 'client_credentials' }, basic({ id: 'service', secret })))
      .status === 200
  const first = issuer.service.secret
  const second = await issuer.administration.clients.rotateSecret('service')
  await until('the second secret works', () => works(second))
  t.true(await works(first))
  const third = await issuer.administration.clients.rotateSecret('service')
  await until('the third secret works', () => works(third))
  t.deepEqual([await works(first), await works(second), await works(third)], [false, true, true])
})

test('security 40: a client secret is 256 random bits', async (t) => {
  const issuer = await startTestIssuer(t)
  const secrets = [issuer.service.secret]
  for (let n = 0; n < 3; n++) secrets.push(await issuer.administration.clients.rotateSecret('service'))
  for (const secret of secrets) t.is(Buffer.from(secret, 'base64url').length, 32)
  t.is(new Set(secrets).size, 4)
})

for (const [name, step] of [
  ['stands still', 0],
  ['goes back an hour', -hour],
] as const) {
  test(`the newest secret survives a rotation though the clock ${name}`, async (t) => {
    const clock = new TestClock()
    const issuer = await startTestIssuer(t, { clock })
    const works = async (secret: string) =>
      (await ask(issuer, 'token', { grant_type: 'client_credentials' }, basic({ id: 'service', secret })))
        .status === 200
    let before = issuer.service.secret
    for (let n = 0; n < 6; n++) {
      clock.advance(step)
      const next = await issuer.administration.clients.rotateSecret('service')
      await until('the new secret works', () => works(next))
      t.true(await works(before), `rotation ${n}`)
      before = next
    }
  })
}

test('the old secret ends with its overlap', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const old = basic(issuer.service)
  const status = async (headers: Record<string, string>) =>
    (await ask(issuer, 'token', { grant_type: 'client_credentials' }, headers)).status
  const secret = await issuer.administration.clients.rotateSecret('service', hour)
  const fresh = basic({ id: 'service', secret })
  await until('the new secret works', async () => (await status(fresh)) === 200)
  clock.advance(hour - 1)
  t.is(await status(old), 200)
  clock.advance(1)
  t.is(await status(old), 401)
  t.is(await status(fresh), 200)
})

test('an overlap of nothing ends the old secret at once', async (t) => {
  const issuer = await startTestIssuer(t)
  const secret = await issuer.administration.clients.rotateSecret('service', 0)
  const status = async (headers: Record<string, string>) =>
    (await ask(issuer, 'token', { grant_type: 'client_credentials' }, headers)).status
  await until('the new secret works', async () => (await status(basic({ id: 'service', secret }))) === 200)
  t.is(await status(basic(issuer.service)), 401)
})

test('security 36: no secret, password or token lies in the database in clear', async (t) => {
  const issuer = await openTestIssuer()
  t.teardown(issuer.stop)
  const pair = await login(issuer)
  const next = await refresh(issuer, pair.refresh_token, {}, { 'Idempotency-Key': 'canary-key-51c2' })
  const own = await clientToken(issuer)
  await ask(issuer, 'revoke', { token: own })
  await ask(issuer, 'token', {
    grant_type: 'password',
    username: 'canary-name-88e1',
    password: 'canary-password-9a',
  })
  await ask(
    issuer,
    'token',
    { grant_type: 'client_credentials' },
    basic({ id: 'canary-id-3b', secret: 'canary-secret-4d' }),
  )
  const secret = await issuer.administration.clients.rotateSecret('service')

  const kept = readdirSync(issuer.directory)
    .filter((name) => name.startsWith('mintage.db'))
    .map((name) => readFileSync(join(issuer.directory, name)))
  t.true(kept.length > 0)
  const all = Buffer.concat(kept)
  // What must be there shows that the search can find something.
  t.true(all.includes('ada@example.org'))
  const canaries = {
    password,
    'first secret': issuer.service.secret,
    'second secret': secret,
    'refresh token': pair.refresh_token,
    'next refresh token': String(next.body['refresh_token']),
    'body of the refresh token': pair.refresh_token.slice(40),
    'access token': pair.access_token,
    'signature of the access token': pair.access_token.split('.')[2] ?? '',
    'own token': own,
    'idempotency key': 'canary-key-51c2',
    'unknown user name': 'canary-name-88e1',
    'wrong password': 'canary-password-9a',
    'unknown client id': 'canary-id-3b',
    'wrong secret': 'canary-secret-4d',
  }
  for (const [name, canary] of Object.entries(canaries)) {
    t.true(canary.length > 7, name)
    t.false(all.includes(canary), name)
  }
})
