import { createHash, createSecretKey, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { eventually } from '../support/eventually.ts'
import { basic, post, toPair } from '../support/oauth.ts'
import { type Fixture, hashMigrations, type KeptSession, saveFixture } from './fixture.ts'
import { buildVersion, type OldServer, type OldVersion } from './old-version.ts'
import { dumpSql } from './sql-dump.ts'

const audience = 'https://api.example'
const password = 'a password of the fixture, good for nothing else'
const djangoKey = 'a signing key of the fixture, which guards nothing at all'

/** What is set in the fixture; where its files lie is set beside it. */
const environment = {
  MINTAGE_ISSUER: 'https://issuer.example',
  MINTAGE_PORT: '0',
  MINTAGE_ADMIN_PORT: 'off',
  MINTAGE_BCRYPT_COST: '4',
  MINTAGE_HASH_THREADS: '1',
  MINTAGE_JWKS_MAX_AGE: '1s',
  MINTAGE_SIMPLEJWT_CLIENT: 'web',
  MINTAGE_DJANGO_KEY: djangoKey,
  MINTAGE_DJANGO_KEY_UNTIL: '2100-01-01T00:00:00Z',
}

function signForeign(): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  return new SignJWT({
    token_type: 'refresh',
    exp: now + 86_400,
    iat: now - 3_600,
    jti: randomUUID().replaceAll('-', ''),
    user_id: '7',
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(createSecretKey(Buffer.from(djangoKey)))
}

/** Lets a version live a little, and keeps what it leaves. */
async function make(version: OldVersion, name: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-fixture-'))
  const database = join(directory, 'mintage.db')
  const keysDir = join(directory, 'keys')
  const all = { ...environment, MINTAGE_DATABASE_URL: `sqlite:${database}`, MINTAGE_KEYS_DIR: keysDir }
  const run = (args: readonly string[], stdin?: string) => version.run(args, all, stdin)
  let server: OldServer | undefined
  try {
    await run(['api', 'create', audience, '--scope', 'orders:read orders:write'])
    const grants = ['--grant', 'password', '--grant', 'refresh_token', '--audience', audience]
    const created = await run([
      'client',
      'create',
      '--id',
      'service',
      '--grant',
      'client_credentials',
      ...grants,
    ])
    const service = { id: 'service', secret: String(Object(created)['client_secret']) }
    await run(['client', 'create', '--id', 'web', '--public', ...grants])
    for (const user of ['ada', 'bob']) await run(['user', 'create', user, '--password-stdin'], password)
    const users = join(directory, 'users.ndjson')
    const salted = createHash('md5').update(`salt${password}`).digest('hex')
    writeFileSync(
      users,
      JSON.stringify({ username: 'eve', claims: { user_id: 7 }, password_hash: `md5$salt$${salted}` }),
    )
    await run(['user', 'import', users])

    server = await version.serve(all)
    const { url } = server
    const token = (form: Readonly<Record<string, string>>, headers = {}) =>
      post(`${url}/oauth2/token`, form, { ...basic(service), ...headers })
    const login = async (username = 'ada') =>
      toPair(await token({ grant_type: 'password', username, password }))
    const refresh = async (session: KeptSession, key?: string): Promise<KeptSession> => {
      const form = { grant_type: 'refresh_token', refresh_token: session.refresh_token }
      const pair = toPair(await token(form, key === undefined ? {} : { 'Idempotency-Key': key }))
      return keep(pair, { before: session.refresh_token, ...(key !== undefined && { idempotency_key: key }) })
    }
    const revoke = (text: string) => post(`${url}/oauth2/revoke`, { token: text }, basic(service))
    const exchange = (refresh: string) =>
      fetch(`${url}/api/token/refresh/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ refresh }),
      })

    const fresh = keep(await login())
    const clientToken = String((await token({ grant_type: 'client_credentials' })).body['access_token'])
    let often = keep(await login())
    for (let n = 0; n < 5; n++) often = await refresh(often)
    const ended = keep(await login())
    await revoke(ended.refresh_token)
    const ofDisabled = keep(await login('bob'))
    await run(['user', 'disable', 'bob'])
    const stained = keep(await login())
    await revoke(stained.access_token)
    const flagged = { ...(await refresh(stained)), revoked_access_token: stained.access_token }
    const exchanged = await signForeign()
    const became = String(Object(await (await exchange(exchanged)).json())['refresh'])

    await run(['keys', 'rotate'])
    await run(['keys', 'rotate-mac'])
    const kidOf = (text: string) =>
      JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()).kid
    const newerMacKey = keep(
      await eventually(login, ({ access_token: text }) => kidOf(text) !== kidOf(fresh.access_token)),
    )
    const refreshed = await refresh(keep(await login()))
    const keyed = await refresh(keep(await login()), 'the-key-of-the-last-refresh')
    await server.end()

    const connection = new (loadSqliteDriver())(database)
    const sql = dumpSql(connection)
    connection.close()
    const fixture: Fixture = {
      name,
      commit: version.commit,
      madeAt: Date.now(),
      environment,
      migrations: hashMigrations(version.directory),
      service,
      password,
      sessions: { fresh, refreshed, often, keyed, newerMacKey, ended, ofDisabled, flagged },
      clientToken,
      foreign: { exchanged, became, kept: await signForeign() },
    }
    const keys = readdirSync(keysDir).map((file) => [file, readFileSync(join(keysDir, file), 'utf8')])
    return saveFixture(fixture, sql, Object.fromEntries(keys))
  } finally {
    await server?.end()
    rmSync(directory, { recursive: true, force: true })
  }
}

function keep(
  { access_token, refresh_token }: Pick<KeptSession, 'access_token' | 'refresh_token'>,
  more: Partial<KeptSession> = {},
): KeptSession {
  return { refresh_token, access_token, ...more }
}

const [commit, name = commit] = process.argv.slice(2)
if (commit === undefined || name === undefined) {
  process.stderr.write('Usage: npm run upgrade:fixture -- COMMIT [NAME]\n')
  process.exitCode = 2
} else {
  const version = buildVersion(commit)
  try {
    process.stdout.write(`${await make(version, name)}\n`)
  } finally {
    version.remove()
  }
}
