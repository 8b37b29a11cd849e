import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { startChildIssuer } from '../support/child-issuer.ts'
import { basic } from '../support/oauth.ts'
import { ask, login, refresh } from '../support/requests.ts'

test('security 36 and 37: each event is one line, and no line holds a token, a password or a secret', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'mintage-log-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true }))
  const child = await startChildIssuer(['dev', '--json', '--port', '0', '--data', data], {
    MINTAGE_LOG_LEVEL: 'trace',
  })
  t.teardown(() => child.end('SIGKILL'))
  const text = (name: string) => String(child.ready[name])
  const service = { id: text('client_id'), secret: text('client_secret') }
  const issuer = { url: child.url, service }

  const user = { username: text('username'), password: text('password') }
  const pair = await login(issuer, user)
  const second = await refresh(issuer, pair.refresh_token, {}, { 'Idempotency-Key': 'canary-key-61d' })
  const third = await refresh(issuer, String(second.body['refresh_token']))
  await refresh(issuer, pair.refresh_token)
  const foreign = {
    grant_type: 'refresh_token',
    refresh_token: pair.refresh_token,
    client_id: text('public_client_id'),
  }
  await ask(issuer, 'token', foreign, {})
  const forged = 'canary-name-7e2\r\n{"event":"forged"}\u001b[31m'
  await ask(issuer, 'token', { grant_type: 'password', username: forged, password: 'canary-password-83a' })
  await ask(
    issuer,
    'token',
    { grant_type: 'client_credentials' },
    basic({ id: 'canary-id-9f', secret: 'canary-secret-5c' }),
  )
  await ask(
    issuer,
    'token',
    { grant_type: 'client_credentials', client_secret: 'canary-body-2b' },
    basic(service),
  )
  await ask(issuer, 'introspect', { token: pair.access_token })
  const own = await ask(issuer, 'token', { grant_type: 'client_credentials' }, basic(service))
  // Those of the session have ended with it.
  await ask(issuer, 'revoke', { token: String(third.body['access_token']) })
  await ask(issuer, 'revoke', { token: String(own.body['access_token']) })
  await fetch(`${child.url}/oauth2/token?client_secret=canary-query-4a`, { method: 'POST' })
  t.is(await child.end(), 0)

  // The ready line shows the accounts, as it should.
  const lines = child
    .output()
    .split('\n')
    .filter((line) => !line.includes('"public_client_id"'))
  const events = lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const count = (type: string) => events.filter(({ event }) => event === type).length
  t.is(count('session.started'), 1)
  t.is(count('session.refreshed'), 2)
  t.is(count('session.reused'), 1)
  t.is(count('session.foreign_client'), 1)
  t.is(count('login.failed'), 1)
  t.is(count('client.authentication_failed'), 1)
  t.is(count('access_token.revoked'), 1)
  t.is(count('forged'), 0)

  const log = lines.join('\n')
  const canaries = [
    user.password,
    service.secret,
    pair.refresh_token,
    pair.access_token,
    pair.access_token.split('.')[2] ?? '',
    String(second.body['refresh_token']),
    String(third.body['access_token']),
    'canary-',
    Buffer.from(`${service.id}:${service.secret}`).toString('base64'),
  ]
  for (const canary of canaries) {
    t.true(canary.length > 6)
    t.false(log.includes(canary), lines.find((line) => line.includes(canary)) ?? '')
  }
})
