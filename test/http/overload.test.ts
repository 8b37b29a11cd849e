import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { startChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { password, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { scrape } from '../support/metrics.ts'
import { basic, type OAuthAnswer, post } from '../support/oauth.ts'
import { openRaw } from '../support/raw-http.ts'
import { ask, auditTypes, clientToken, login, refresh } from '../support/requests.ts'
import { readToken } from '../support/token-client.ts'

const Sqlite = loadSqliteDriver()

/** One hash takes half a second and more, in one thread. */
const slowLogins = { MINTAGE_BCRYPT_COST: '13', MINTAGE_HASH_THREADS: '1' }
const attempt = { grant_type: 'password', username: 'ada', password }

function judgeRefusal(t: ExecutionContext, { status, headers, body, text }: OAuthAnswer): void {
  t.is(status, 503, text)
  t.regex(headers.get('retry-after') ?? '', /^[1-9]$/)
  t.is(headers.get('cache-control'), 'no-store')
  t.is(headers.get('x-content-type-options'), 'nosniff')
  t.is(body['error'], 'temporarily_unavailable')
  t.notRegex(text, /thread|queue|hash|room|way/i)
}

const shed = (metrics: ReadonlyMap<string, number>, grant: string, reason: string) =>
  metrics.get(`mintage_requests_shed_total{grant="${grant}",reason="${reason}"}`)

test('row 17: a login that waited too long is 503, is no failed login, and leaves no trace', async (t) => {
  const issuer = await startTestIssuer(t, {
    environment: { ...slowLogins, MINTAGE_HASH_WAIT: '50ms', MINTAGE_ADMIN_PORT: '0' },
  })
  const wrong = { ...attempt, password: 'not the password of anybody' }
  const answers = await Promise.all([wrong, wrong, wrong].map((form) => ask(issuer, 'token', form)))
  const late = answers.filter(({ status }) => status === 503)
  t.is(late.length, 2, 'One was hashed.')
  for (const answer of late) judgeRefusal(t, answer)
  t.is((await auditTypes(issuer)).filter((type) => type === 'login.failed').length, 1)
  t.is(shed(await scrape(issuer.adminUrl), 'password', 'late'), 2)
})

test('row 17: for a client that has hung up nothing is hashed', async (t) => {
  const issuer = await startTestIssuer(t, {
    environment: { ...slowLogins, MINTAGE_HASH_WAIT: '1m', MINTAGE_ADMIN_PORT: '0' },
  })
  const waiting = async (count: number) => {
    const length = async () => (await scrape(issuer.adminUrl)).get('mintage_password_hash_queue_length')
    t.is(await eventually(length, (found) => found === count), count)
  }
  const logins = [1, 2, 3, 4].map(() => ask(issuer, 'token', attempt))
  await waiting(3)
  const form = 'grant_type=password&client_id=app&username=ada&password=wrong'
  const impatient = await openRaw(issuer.url)
  impatient.send(
    `POST /oauth2/token HTTP/1.1\r\nHost: issuer\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`,
  )
  await waiting(4)
  impatient.socket.destroy()
  const gone = async () => shed(await scrape(issuer.adminUrl), 'password', 'gone')
  t.is(await eventually(gone, (count) => count === 1), 1)
  for (const { status } of await Promise.all(logins)) t.is(status, 200)
  t.false((await auditTypes(issuer)).includes('login.failed'))
})

test('row 17: refreshes, client tokens, keys and status lists go on while logins are refused', async (t) => {
  const issuer = await startTestIssuer(t, {
    environment: { ...slowLogins, MINTAGE_HASH_QUEUE: '0', MINTAGE_ADMIN_PORT: '0' },
  })
  const { refresh_token: token } = await login(issuer)
  let isHashing = true
  const hashing = ask(issuer, 'token', attempt).finally(() => {
    isHashing = false
  })
  const refused = await eventually(
    () => ask(issuer, 'token', attempt),
    ({ status }) => status === 503,
  )
  judgeRefusal(t, refused)
  t.is((await refresh(issuer, token)).status, 200)
  await clientToken(issuer)
  for (const path of ['/.well-known/jwks.json', '/status-lists', '/livez', '/readyz']) {
    t.is((await fetch(`${issuer.url}${path}`)).status, 200, path)
  }
  t.true(isHashing, 'All this was answered before the login was.')
  t.is((await hashing).status, 200)
  t.true((shed(await scrape(issuer.adminUrl), 'password', 'full') ?? 0) >= 1)
  t.is((await ask(issuer, 'token', attempt)).status, 200, 'It recovers.')
})

/** Takes the database's write lock, as another process may, until the function that it returns is called. */
function lock(t: ExecutionContext, { databaseUrl }: TestIssuer): () => void {
  const database = new Sqlite(databaseUrl.slice('sqlite:'.length))
  database.exec('BEGIN IMMEDIATE')
  const release = () => {
    if (!database.open) return
    database.exec('ROLLBACK')
    database.close()
  }
  t.teardown(release)
  return release
}

test('past its room a refresh is refused before anything is committed, and the retry gets the first successor', async (t) => {
  const environment = { MINTAGE_ISSUE_QUEUE: '4', MINTAGE_ADMIN_PORT: '0' }
  const issuer = await startTestIssuer(t, { environment })
  const tokens: string[] = []
  while (tokens.length < 10) tokens.push((await login(issuer)).refresh_token)
  const release = lock(t, issuer)
  const refused: string[] = []
  const answers = tokens.map(async (token) => {
    const answer = await refresh(issuer, token)
    if (answer.status === 503) refused.push(token)
    return { token, answer }
  })
  // Four wait for the database; nobody else is kept waiting with them.
  await eventually(
    async () => refused.length,
    (count) => count >= 6,
  )
  for (const form of [{ grant_type: 'client_credentials' }, attempt])
    judgeRefusal(t, await ask(issuer, 'token', form))
  t.is((await fetch(`${issuer.url}/.well-known/jwks.json`)).status, 200)
  release()
  for (const { token, answer } of await Promise.all(answers)) {
    const session = await issuer.store.sessions.findByHandle(readToken(token).handle)
    t.is(session?.generation, answer.status === 200 ? 1 : 0, 'A 503 has changed nothing.')
    if (answer.status === 200) continue
    judgeRefusal(t, answer)
    const retried = await eventually(
      () => refresh(issuer, token),
      ({ status }) => status === 200,
    )
    t.is(readToken(String(retried.body['refresh_token'])).generation, 1)
  }
  t.true(refused.length >= 6)
  t.true((shed(await scrape(issuer.adminUrl), 'refresh_token', 'full') ?? 0) >= 6)
})

test('a script of another origin may read that it is to come again', async (t) => {
  const origin = 'https://app.example'
  const issuer = await startTestIssuer(t, {
    environment: { ...slowLogins, MINTAGE_HASH_QUEUE: '0', MINTAGE_CORS_ORIGINS: origin },
  })
  const hashing = ask(issuer, 'token', attempt)
  const headers = { ...basic(issuer.service), Origin: origin }
  const refused = await eventually(
    () => ask(issuer, 'token', attempt, headers),
    ({ status }) => status === 503,
  )
  judgeRefusal(t, refused)
  t.is(refused.headers.get('access-control-allow-origin'), origin)
  await hashing
})

test('a crowd that is turned away is two lines of the log, with numbers that add up', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true }))
  const child = await startChildIssuer(['dev', '--json', '--port', '0', '--data', data], {
    ...slowLogins,
    MINTAGE_HASH_QUEUE: '0',
    MINTAGE_LOG_LEVEL: 'warn',
  })
  const { ready } = child
  const client = { id: String(ready['client_id']), secret: String(ready['client_secret']) }
  const form = { grant_type: 'password', username: String(ready['username']), password: 'wrong' }
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => post(`${child.url}/oauth2/token`, form, basic(client))),
  )
  const refused = answers.filter(({ status }) => status === 503).length
  t.true(refused > 2)
  t.is(await child.end(), 0)
  t.notRegex(child.stdout(), /request\.unavailable/)
  const lines = child
    .stdout()
    .split('\n')
    .filter((line) => line.includes('"requests.shed"'))
    .map((line) => JSON.parse(line))
  t.deepEqual(lines[0].counts, { 'password full': 1 })
  t.is(
    lines.reduce((sum, { counts }) => sum + counts['password full'], 0),
    refused,
  )
  t.true(lines.length < 5, child.stdout())
})
