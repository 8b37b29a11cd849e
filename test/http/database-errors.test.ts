import test from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { startChildIssuer } from '../support/child-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, read } from '../support/oauth.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'

const Sqlite = loadSqliteDriver()

/** What only the database, its driver or the code would say. */
const leaks =
  /sqlite|select|insert|update|knex|no such|table|column|constraint|node_modules|\.[jt]s:\d|mintage\.db/i

test('security 41: an error that nobody foresaw in the database is server_error, and only the log says more', async (t) => {
  const directory = makeDirectory(t)
  const environment = { ...serveEnvironment(directory), MINTAGE_LOG_LEVEL: 'trace' }
  const { service } = await registerAccounts(environment)
  const child = await startChildIssuer(['serve'], environment)
  t.teardown(() => child.end('SIGKILL'))
  const issuer = { url: child.url, service }
  const pair = await login(issuer)
  const own = await clientToken(issuer)

  // Tables that are gone are no outage: nothing that is tried again would help.
  const database = new Sqlite(`${directory}/mintage.db`)
  database.pragma('foreign_keys = OFF')
  for (const table of ['clients', 'apis', 'users', 'sessions', 'audit']) {
    database.exec(`ALTER TABLE ${table} RENAME TO gone_${table}`)
  }
  database.close()

  const answers = [
    await ask(issuer, 'token', { grant_type: 'password', username: 'ada', password: 'canary-password' }),
    await ask(issuer, 'token', { grant_type: 'client_credentials' }, basic({ id: 'canary-id', secret: 'x' })),
    await refresh(issuer, pair.refresh_token),
    await ask(issuer, 'introspect', { token: pair.access_token }),
    await ask(issuer, 'introspect', { token: pair.refresh_token }),
    await ask(issuer, 'revoke', { token: pair.refresh_token }),
    await ask(issuer, 'revoke', { token: own }),
    await read(await fetch(`${child.url}/readyz`)),
  ]
  for (const { status, text, headers } of answers.slice(0, -1)) {
    t.is(status, 500, text)
    t.deepEqual(JSON.parse(text), {
      error: 'server_error',
      error_description: 'The issuer failed to answer.',
    })
    t.is(headers.get('cache-control'), 'no-store')
  }
  for (const { text, headers } of answers) t.notRegex(text + JSON.stringify([...headers]), leaks)
  t.is((await fetch(`${child.url}/.well-known/jwks.json`)).status, 200)

  await child.end()
  t.regex(child.output(), /"event":"request\.failed".*no such table/)
  for (const secret of ['canary', pair.refresh_token, pair.access_token, own, service.secret]) {
    t.false(child.output().includes(secret), secret)
  }
})
