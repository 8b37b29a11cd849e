import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { runMintage, runMintageBatch, startChildIssuer } from '../support/child-issuer.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, decodeClaims, post, type TokenPair, toPair } from '../support/oauth.ts'

const Database = loadSqliteDriver()

interface Tried {
  readonly environment: Readonly<Record<string, string>>
  readonly service: { readonly id: string; readonly secret: string }
  readonly mark: string
  /** Tokens of sessions that live in the backup and were revoked since. */
  readonly pairs: readonly TokenPair[]
  /** Tokens of sessions that began after the backup and were revoked. */
  readonly later: readonly TokenPair[]
  /** What verifiers had heard of the status lists before. */
  readonly status: StatusPosition
  run(...args: readonly string[]): ReturnType<typeof runMintage>
}

interface StatusPosition {
  readonly epoch: string
  readonly version: number
}

async function readStatus(url: string): Promise<StatusPosition> {
  const { mintage }: { readonly mintage: StatusPosition } = JSON.parse(
    await (await fetch(`${url}/status-lists`)).text(),
  )
  return mintage
}

/** A database file as a backup has it, with nothing in a log beside it. */
function copyDatabase(from: string, to: string): void {
  const connection = new Database(from)
  connection.pragma('wal_checkpoint(TRUNCATE)')
  connection.close()
  for (const suffix of ['-wal', '-shm']) rmSync(to + suffix, { force: true })
  copyFileSync(from, to)
}

/** An installation with sessions, a backup of its database, revocations since, and then the backup brought back. */
async function bringBackOld(t: ExecutionContext): Promise<Tried> {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const { service } = await registerAccounts(environment)
  const run = (...args: readonly string[]) => runMintage(args, environment)
  const database = join(directory, 'mintage.db')
  const backup = join(directory, 'backup.db')
  const form = { grant_type: 'password', username: 'ada', password }
  const logIn = async (count: number) => {
    const issuer = await startChildIssuer(['serve'], environment)
    const pairs = await Promise.all(
      Array.from({ length: count }, async () =>
        toPair(await post(`${issuer.url}/oauth2/token`, form, basic(service))),
      ),
    )
    await issuer.end()
    return pairs
  }
  const pairs = await logIn(4)
  copyDatabase(database, backup)
  const later = await logIn(2)
  const revoked = await run('session', 'revoke', '--user', 'ada', '--json')
  t.deepEqual(JSON.parse(revoked.stdout), { revoked: pairs.length + later.length })
  const watched = await startChildIssuer(['serve'], environment)
  const status = await readStatus(watched.url)
  await watched.end()
  copyDatabase(backup, database)
  return {
    environment,
    service,
    mark: join(directory, 'keys', 'high-water-mark.json'),
    pairs,
    later,
    status,
    run,
  }
}

async function refreshAll(tried: Tried) {
  const issuer = await startChildIssuer(['serve'], tried.environment)
  try {
    const statuses = await Promise.all(
      tried.pairs.map(async ({ refresh_token }) => {
        const form = { grant_type: 'refresh_token', refresh_token }
        return (await post(`${issuer.url}/oauth2/token`, form, basic(tried.service))).status
      }),
    )
    const active = await Promise.all(
      tried.pairs.map(async ({ access_token }) => {
        const form = { token: access_token }
        return (await post(`${issuer.url}/oauth2/introspect`, form, basic(tried.service))).body['active']
      }),
    )
    const jwks: { readonly keys: readonly { readonly kid: string }[] } = JSON.parse(
      await (await fetch(`${issuer.url}/.well-known/jwks.json`)).text(),
    )
    const fresh = await post(
      `${issuer.url}/oauth2/token`,
      { grant_type: 'password', username: 'ada', password },
      basic(tried.service),
    )
    const status = await readStatus(issuer.url)
    return { statuses, active, kids: jwks.keys.map(({ kid }) => kid), fresh, status }
  } finally {
    await issuer.end()
  }
}

const listOf = (token: string): unknown =>
  (decodeClaims(token)['status'] as { readonly status_list: { readonly uri: string } }).status_list.uri

const kidOf = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

test('an old database is refused, and after recover --end-sessions nothing issued before works', async (t) => {
  const tried = await bringBackOld(t)
  const mark = readFileSync(tried.mark)
  for (const attempt of [1, 2]) {
    const { code, stdout, stderr } = await tried.run('serve')
    t.is(code, 1, `attempt ${attempt}`)
    t.notRegex(stdout, /listening/)
    t.regex(stderr, /^(mintage: [^\n]+[.)]\n)+$/)
    t.regex(stderr, /taken back in time/)
    t.regex(stderr, /mintage recover --end-sessions/)
    t.regex(stderr, /mintage recover --accept-resurrection/)
  }
  t.deepEqual(readFileSync(tried.mark), mark)
  const recovered = await tried.run('recover', '--end-sessions', '--json')
  t.is(recovered.code, 0, recovered.stderr)
  t.deepEqual(JSON.parse(recovered.stdout), { recovered: 'end_sessions', sessions_ended: tried.pairs.length })
  t.regex(recovered.stderr, /passwords and client secrets of that time/)
  const { statuses, active, kids, fresh, status } = await refreshAll(tried)
  t.not(status.epoch, tried.status.epoch)
  t.deepEqual(
    statuses,
    tried.pairs.map(() => 400),
  )
  t.deepEqual(
    active,
    tried.pairs.map(() => false),
  )
  for (const { access_token } of tried.pairs) t.false(kids.includes(String(kidOf(access_token))))
  t.is(fresh.status, 200)
  const verified = await tried.run('audit', 'verify')
  t.is(verified.code, 0, verified.stdout)
  const again = await tried.run('recover', '--end-sessions')
  t.is(again.code, 1)
  t.regex(again.stderr, /nothing to recover/)
})

test('after recover --accept-resurrection what was revoked since the backup works again, and it is on record', async (t) => {
  const tried = await bringBackOld(t)
  const recovered = await tried.run('recover', '--accept-resurrection')
  t.is(recovered.code, 0, recovered.stderr)
  const { statuses, active, kids, fresh, status } = await refreshAll(tried)
  t.is(status.epoch, tried.status.epoch)
  t.true(status.version > tried.status.version)
  // A place that was revoked since the backup, which verifiers keep for revoked, must not be given out again.
  const known = [...tried.pairs, ...tried.later].map(({ access_token }) => listOf(access_token))
  t.false(known.includes(listOf(toPair(fresh).access_token)))
  t.deepEqual(
    statuses,
    tried.pairs.map(() => 200),
  )
  t.deepEqual(
    active,
    tried.pairs.map(() => true),
  )
  for (const { access_token } of tried.pairs) t.true(kids.includes(String(kidOf(access_token))))
  t.truthy(decodeClaims(tried.pairs[0]?.access_token ?? '')['sid'])
  const { stdout } = await tried.run('audit', 'tail', '--lines', '100', '--json')
  const row = stdout.split('\n').find((line) => line.includes('"database.recovered"'))
  t.like(JSON.parse(row ?? ''), { way: 'accept_resurrection' })
  t.is((await tried.run('audit', 'verify')).code, 0)
})

test('an old database that grew past the mark again is refused all the same', async (t) => {
  const tried = await bringBackOld(t)
  const grown = await runMintageBatch(
    ['t', 'u', 'v', 'w', 'x', 'y', 'z'].map((name) => ['api', 'create', `https://${name}.example`]),
    tried.environment,
  )
  for (const { code, stderr } of grown) {
    t.is(code, 0)
    t.regex(stderr, /warning: .*taken back in time/)
  }
  const { code, stderr } = await tried.run('serve')
  t.is(code, 1)
  t.regex(stderr, /does not hold row \d+ as this node has seen it/)
})

test('recover takes exactly one way, and leaves a healthy database alone', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  await registerAccounts(environment)
  for (const args of [[], ['--end-sessions', '--accept-resurrection']]) {
    t.is((await runMintage(['recover', ...args], environment)).code, 2)
  }
  const { code, stdout, stderr } = await runMintage(['recover', '--end-sessions'], environment)
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /nothing to recover.*keys revoke --all/)
})

test('dev refuses an old database before it changes anything in it', async (t) => {
  const data = join(makeDirectory(t), 'data')
  const database = join(data, 'mintage.db')
  const environment = { MINTAGE_BCRYPT_COST: '4', MINTAGE_ADMIN_PORT: 'off' }
  const start = () => startChildIssuer(['dev', '--port', '0', '--data', data, '--json'], environment)
  await (await start()).end()
  copyDatabase(database, join(data, 'backup.db'))
  const own = { MINTAGE_DATABASE_URL: `sqlite:${database}`, MINTAGE_KEYS_DIR: join(data, 'keys') }
  t.is((await runMintage(['user', 'disable', 'dev'], own)).code, 0)
  copyDatabase(join(data, 'backup.db'), database)
  const { code, stderr } = await runMintage(['dev', '--port', '0', '--data', data], environment)
  t.is(code, 1)
  t.regex(stderr, /taken back in time/)
  t.is((await runMintage(['recover', '--accept-resurrection'], own)).code, 0)
  await (await start()).end()
})

test('the mark lies where MINTAGE_STATE_DIR says, for its owner alone; one that is lost is written anew', async (t) => {
  const directory = makeDirectory(t)
  const state = join(directory, 'state')
  const environment = { ...serveEnvironment(directory), MINTAGE_STATE_DIR: state }
  const mark = join(state, 'high-water-mark.json')
  const first = await startChildIssuer(['serve'], environment)
  await first.end()
  t.notRegex(first.output(), /high_water_mark/)
  t.false(existsSync(join(directory, 'keys', 'high-water-mark.json')))
  t.is(statSync(mark).mode & 0o777, 0o600)
  const before = JSON.parse(readFileSync(mark, 'utf8'))
  rmSync(mark)
  const second = await startChildIssuer(['serve'], environment)
  await second.end()
  t.regex(second.output(), /"event":"high_water_mark.missing"/)
  t.deepEqual(JSON.parse(readFileSync(mark, 'utf8')), before)
  // The very machine that is gone may have had the only mark, so an operator may say that the database is old.
  rmSync(mark)
  t.is((await runMintage(['recover', '--end-sessions'], environment)).code, 0)
  await (await startChildIssuer(['serve'], environment)).end()
})

test('a mark that is damaged, foreign or cannot be kept stops the start by its name', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  await (await startChildIssuer(['serve'], environment)).end()
  const mark = join(directory, 'keys', 'high-water-mark.json')
  const refuse = async (settings: Readonly<Record<string, string>>) => {
    const { code, stdout, stderr } = await runMintage(['serve'], settings)
    t.is(code, 1, stdout)
    t.regex(stderr, /^(mintage: [^\n]+[.)]\n)+$/)
    return stderr
  }
  const kept = readFileSync(mark, 'utf8')
  for (const text of ['', '{}', kept.slice(0, 40), 'null']) {
    writeFileSync(mark, text)
    const said = await refuse(environment)
    t.true(said.includes(mark) && /damaged/.test(said), said)
  }
  writeFileSync(mark, kept)
  const other = join(directory, 'other.db')
  const said = await refuse({ ...environment, MINTAGE_DATABASE_URL: `sqlite:${other}` })
  t.regex(said, /another installation/)
  t.true(said.includes(mark))
  const file = join(directory, 'file')
  writeFileSync(file, '')
  for (const state of [file, join(file, 'below')]) {
    t.true((await refuse({ ...environment, MINTAGE_STATE_DIR: state })).includes(state))
  }
  mkdirSync(join(directory, 'blocked', 'high-water-mark.json'), { recursive: true })
  t.regex(await refuse({ ...environment, MINTAGE_STATE_DIR: join(directory, 'blocked') }), /high-water-mark/)
  await (await startChildIssuer(['serve'], environment)).end()
})
