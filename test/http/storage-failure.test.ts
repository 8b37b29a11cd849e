import test, { type ExecutionContext } from 'ava'
import { hour } from '../../src/lib/durations.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { password, startTestIssuer, TestClock, type TestIssuer } from '../support/in-process-issuer.ts'
import { ask, auditTypes, clientToken, isActive, login, refresh } from '../support/requests.ts'

const Sqlite = loadSqliteDriver()

/** Takes the database's write lock, as another process may, until the function that it returns is called. */
function lock(t: ExecutionContext, issuer: TestIssuer): () => void {
  const database = new Sqlite(issuer.databaseUrl.slice('sqlite:'.length))
  database.exec('BEGIN IMMEDIATE')
  const release = () => {
    if (!database.open) return
    database.exec('ROLLBACK')
    database.close()
  }
  t.teardown(release)
  return release
}

test('security 23: while the database is locked a revocation is 503, never 200, and nothing is half done', async (t) => {
  const issuer = await startTestIssuer(t)
  const pair = await login(issuer)
  const own = await clientToken(issuer)
  const release = lock(t, issuer)
  const underWay = Promise.all([
    ask(issuer, 'revoke', { token: own }),
    ask(issuer, 'revoke', { token: pair.refresh_token }),
    refresh(issuer, pair.refresh_token),
    ask(issuer, 'token', { grant_type: 'password', username: 'ada', password }),
  ])
  for (const path of ['/.well-known/jwks.json', '/.well-known/oauth-authorization-server', '/livez']) {
    t.is((await fetch(`${issuer.url}${path}`)).status, 200, path)
  }
  for (const answer of await underWay) {
    t.is(answer.status, 503, answer.text)
    t.is(answer.body['error'], 'temporarily_unavailable')
    t.regex(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    t.is(answer.headers.get('cache-control'), 'no-store')
    t.notRegex(answer.text, /sqlite|locked|database/i)
  }
  t.is((await fetch(`${issuer.url}/readyz`)).status, 503)

  const before = await auditTypes(issuer)
  release()
  for (const token of [own, pair.access_token, pair.refresh_token]) t.true(await isActive(issuer, token))
  t.deepEqual(await auditTypes(issuer), before, 'What failed left no row behind.')
  t.is(before.filter((type) => type === 'session.started').length, 1)
  const refreshed = await refresh(issuer, pair.refresh_token)
  t.is(refreshed.status, 200)
  t.is((await ask(issuer, 'revoke', { token: own })).status, 200)
  t.is((await ask(issuer, 'revoke', { token: String(refreshed.body['refresh_token']) })).status, 200)
  for (const token of [own, pair.access_token]) t.false(await isActive(issuer, token))
})

test('a lock that is shorter than the patience of the issuer is not noticed', async (t) => {
  const issuer = await startTestIssuer(t)
  const pair = await login(issuer)
  const release = lock(t, issuer)
  const answers = Promise.all([
    refresh(issuer, pair.refresh_token),
    ask(issuer, 'revoke', { token: pair.access_token }),
  ])
  await fetch(`${issuer.url}/livez`)
  release()
  t.deepEqual(
    (await answers).map(({ status }) => status),
    [200, 200],
  )
})

test('security 23: a database that was destroyed answers 503, and never 200', async (t) => {
  const issuer = await startTestIssuer(t)
  const pair = await login(issuer)
  const own = await clientToken(issuer)
  const database = new Sqlite(issuer.databaseUrl.slice('sqlite:'.length))
  database.pragma('wal_checkpoint(TRUNCATE)')
  const { page_size: size } = database.prepare('PRAGMA page_size').get() as { page_size: number }
  t.is(size, 4_096)
  // Every page of every table becomes noise, through the log, as a broken disk would have it.
  database.unsafeMode(true)
  database.pragma('writable_schema = ON')
  database.exec("UPDATE sqlite_schema SET rootpage = 99999 WHERE name IN ('status_pending', 'sessions')")
  database.pragma('writable_schema = OFF')
  database.exec('CREATE TABLE something_new (a)')
  database.close()
  for (const answer of [
    await ask(issuer, 'revoke', { token: own }),
    await ask(issuer, 'revoke', { token: pair.refresh_token }),
    await ask(issuer, 'introspect', { token: own }),
    await refresh(issuer, pair.refresh_token),
  ]) {
    t.is(answer.status, 503, answer.text)
    t.notRegex(answer.text, /sqlite|malformed|corrupt/i)
  }
  t.is((await fetch(`${issuer.url}/.well-known/jwks.json`)).status, 200)
})

test('security 19: an outage that only a login met shortens nobody’s retry window', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const { refresh_token } = await login(issuer)
  const rotated = await refresh(issuer, refresh_token)
  const release = lock(t, issuer)
  const form = { grant_type: 'password', username: 'ada', password }
  t.is((await ask(issuer, 'token', form)).status, 503)
  clock.advance(hour)
  release()
  const retried = await refresh(issuer, refresh_token)
  t.is(retried.body['refresh_token'], rotated.body['refresh_token'])
})
