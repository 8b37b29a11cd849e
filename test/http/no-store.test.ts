import test from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { openTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic, type OAuthAnswer, read } from '../support/oauth.ts'
import { ask, clientToken, login } from '../support/requests.ts'

const Sqlite = loadSqliteDriver()

let issuer: TestIssuer
test.before(async () => {
  issuer = await openTestIssuer()
})
test.after.always(() => issuer.stop())

const endpoints = ['token', 'introspect', 'revoke'] as const

test('security 3: no answer that holds a token or speaks of one is stored', async (t) => {
  const pair = await login(issuer)
  const forms = {
    token: { grant_type: 'refresh_token', refresh_token: pair.refresh_token },
    introspect: { token: pair.access_token },
    revoke: { token: pair.access_token },
  }
  for (const endpoint of endpoints) {
    const answer = await ask(issuer, endpoint, forms[endpoint])
    t.is(answer.status, 200)
    t.is(answer.headers.get('cache-control'), 'no-store', endpoint)
    t.is(answer.headers.get('pragma'), 'no-cache', endpoint)
  }
})

test('security 3: no error is stored, whatever its status', async (t) => {
  const seen = new Map<number, OAuthAnswer>()
  for (const endpoint of endpoints) {
    const url = `${issuer.url}/oauth2/${endpoint}`
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
    for (const request of [
      { method: 'POST', headers: form, body: 'x=1' },
      { method: 'POST', headers: { ...form, ...basic(issuer.service) }, body: 'x=1&x=2' },
      { method: 'POST', headers: { ...form, ...basic(issuer.service) }, body: 'x'.repeat(70_000) },
      { method: 'GET' },
      { method: 'OPTIONS' },
      { method: 'PROPFIND' },
    ]) {
      const answer = await read(await fetch(url, request))
      seen.set(answer.status, answer)
      t.is(answer.headers.get('cache-control'), 'no-store', `${request.method} ${endpoint}: ${answer.status}`)
    }
  }
  for (const path of [
    '/',
    '/nothing',
    '/oauth2',
    '/oauth2/token/x',
    '/%',
    '/%00',
    '//',
    '/oauth2/authorize',
  ]) {
    const answer = await read(await fetch(`${issuer.url}${path}`))
    seen.set(answer.status, answer)
    t.is(answer.status, 404, path)
    t.is(answer.headers.get('cache-control'), 'no-store', path)
  }
  for (const status of [400, 401, 404, 405, 413]) t.true(seen.has(status), String(status))
})

test('security 3: a failure of the server is stored nowhere and tells nothing', async (t) => {
  const broken = await openTestIssuer()
  t.teardown(broken.stop)
  const token = await clientToken(broken)
  const database = new Sqlite(broken.databaseUrl.slice('sqlite:'.length))
  database.exec('ALTER TABLE status_pending RENAME TO elsewhere')
  database.close()
  const answer = await ask(broken, 'introspect', { token })
  t.is(answer.status, 500)
  t.is(answer.headers.get('cache-control'), 'no-store')
  t.deepEqual(answer.body, { error: 'server_error', error_description: 'The issuer failed to answer.' })
})
