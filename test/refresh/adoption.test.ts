import test from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { password, startTestIssuer } from '../support/in-process-issuer.ts'
import { basic, post, toPair } from '../support/oauth.ts'
import { readToken } from '../support/token-client.ts'

const Database = loadSqliteDriver()

test('row 19: a token ahead of a database that lost commits is adopted, and its line goes on', async (t) => {
  const issuer = await startTestIssuer(t)
  const client = basic(issuer.service)
  const token = `${issuer.url}/oauth2/token`
  const refresh = (refresh_token: string) =>
    post(token, { grant_type: 'refresh_token', refresh_token }, client)

  const login = await post(token, { grant_type: 'password', username: 'ada', password }, client)
  const line = [toPair(login).refresh_token]
  for (let count = 0; count < 3; count++) {
    line.push(toPair(await refresh(line.at(-1) ?? '')).refresh_token)
  }
  const latest = line.at(-1) ?? ''
  const { handle, generation } = readToken(latest)
  t.is(generation, 3)

  const database = new Database(issuer.databaseUrl.slice('sqlite:'.length), { timeout: 5_000 })
  database.prepare('UPDATE sessions SET generation = 1 WHERE handle = ?').run(handle)
  const adopted = toPair(await refresh(latest)).refresh_token
  t.is(readToken(adopted).generation, 4)
  t.is(toPair(await refresh(latest)).refresh_token, adopted)
  const told = database.prepare("SELECT data FROM audit WHERE type = 'session.adopted'").all()
  database.close()
  t.is(told.length, 1)
  t.like(JSON.parse((told[0] as { data: string }).data), { from: 1, to: 3, client: 'service' })

  t.is((await refresh(line[1] ?? '')).body['error'], 'invalid_grant')
  t.is((await refresh(adopted)).body['error'], 'invalid_grant')
})
