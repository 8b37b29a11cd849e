import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { eventually } from '../support/eventually.ts'
import { password, startTestIssuer } from '../support/in-process-issuer.ts'
import { basic, post, read, toPair } from '../support/oauth.ts'

const Database = loadSqliteDriver()

test('readyz is 200 while all is well, and livez always', async (t) => {
  const { url } = await startTestIssuer(t)
  for (const [path, status] of [
    ['/readyz', 'ready'],
    ['/livez', 'alive'],
  ] as const) {
    const answer = await read(await fetch(url + path))
    t.is(answer.status, 200)
    t.deepEqual(answer.body, { status })
    t.is(answer.headers.get('cache-control'), 'no-store')
  }
})

test.serial(
  'a locked database: 503 that says when to come again, keys go on, and nothing is lost',
  async (t) => {
    const issuer = await startTestIssuer(t)
    const token = `${issuer.url}/oauth2/token`
    const client = basic(issuer.service)
    const { refresh_token } = toPair(
      await post(token, { grant_type: 'password', username: 'ada', password }, client),
    )
    const refresh = () => post(token, { grant_type: 'refresh_token', refresh_token }, client)
    const ready = () => fetch(`${issuer.url}/readyz`)
    // Its first token reserves places of a status list for those that follow.
    t.is((await post(token, { grant_type: 'client_credentials' }, client)).status, 200)
    const other = new Database(join(issuer.directory, 'mintage.db'))
    t.teardown(() => other.close())
    other.exec('BEGIN IMMEDIATE')

    const refused = refresh()
    t.is((await fetch(`${issuer.url}/.well-known/jwks.json`)).status, 200)
    t.is((await fetch(`${issuer.url}/livez`)).status, 200)
    t.is((await post(token, { grant_type: 'client_credentials' }, client)).status, 200)
    t.is((await eventually(ready, ({ status }) => status === 503)).status, 503)
    const answer = await refused
    t.is(answer.status, 503, answer.text)
    t.regex(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    t.notRegex(answer.text, /SQLITE|locked/)

    other.exec('ROLLBACK')
    t.is((await eventually(ready, ({ status }) => status === 200)).status, 200)
    t.is((await eventually(refresh, ({ status }) => status === 200)).status, 200)
  },
)

test.serial(
  'a database file that is gone or another: 503 until it is back, and nothing is lost',
  async (t) => {
    const issuer = await startTestIssuer(t)
    const token = `${issuer.url}/oauth2/token`
    const client = basic(issuer.service)
    const login = { grant_type: 'password', username: 'ada', password }
    const { refresh_token } = toPair(await post(token, login, client))
    const refresh = () => post(token, { grant_type: 'refresh_token', refresh_token }, client)
    const ready = () => fetch(`${issuer.url}/readyz`)
    const file = join(issuer.directory, 'mintage.db')

    renameSync(file, `${file}.away`)
    for (const round of ['gone', 'another']) {
      if (round === 'another') writeFileSync(file, '')
      t.is((await refresh()).status, 503, round)
      t.is((await post(token, login, client)).status, 503)
      t.is((await eventually(ready, ({ status }) => status === 503)).status, 503)
      t.is((await fetch(`${issuer.url}/.well-known/jwks.json`)).status, 200)
      t.is((await fetch(`${issuer.url}/livez`)).status, 200)
    }
    renameSync(`${file}.away`, file)
    t.is((await refresh()).status, 200)
    t.is((await eventually(ready, ({ status }) => status === 200)).status, 200)
  },
)
