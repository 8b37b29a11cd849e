import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { executable, runMintage, runMintageBatch } from '../support/child-issuer.ts'
import { password, startTestIssuer } from '../support/in-process-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'
import { ask, login } from '../support/requests.ts'

const parse = (stdout = '') =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

for (const format of ['ndjson', 'csv'] as const) {
  test(`users go out as ${format} and come in elsewhere with ids, claims and passwords that still work`, async (t) => {
    const from = await startTestIssuer(t)
    await from.administration.users.create('böb, "the" builder', { claims: { role: 'x,y\n"z"' } })
    await from.administration.users.disable('böb, "the" builder')
    const source = { MINTAGE_DATABASE_URL: from.databaseUrl, MINTAGE_KEYS_DIR: from.keysDir }
    const plain = await runMintage(['user', 'export', '--format', format], source)
    t.notRegex(plain.stdout, /bcrypt|password/)
    const exported = await runMintage(
      ['user', 'export', '--format', format, '--with-password-hashes'],
      source,
    )
    t.is(exported.code, 0)
    t.regex(exported.stderr, /holds password hashes/)
    const mayRun = /a spreadsheet runs what begins with =, \+, - or @ as a formula/
    for (const { stderr } of [plain, exported]) t.is(mayRun.test(stderr), format === 'csv')

    const to = await startTestIssuer(t)
    await to.administration.users.delete('ada')
    const target = { MINTAGE_DATABASE_URL: to.databaseUrl, MINTAGE_KEYS_DIR: to.keysDir }
    const imported = (...args: readonly string[]) =>
      runMintage(['user', 'import', '-', '--format', format, '--json', ...args], target, exported.stdout)
    t.like(parse((await imported('--dry-run')).stdout)[0], { created: 2, dry_run: true })
    t.like(parse((await imported()).stdout)[0], { created: 2, refused: 0 })
    t.like(parse((await imported()).stdout)[0], { created: 0, skipped: 2 })
    t.like(parse((await imported('--update')).stdout)[0], { updated: 0, unchanged: 2 })
    t.truthy((await login(to)).refresh_token)
    for (const name of ['ada', 'böb, "the" builder']) {
      const [before, after] = [
        await from.administration.users.get(name),
        await to.administration.users.get(name),
      ]
      for (const field of ['id', 'email', 'claims', 'createdAt'] as const)
        t.deepEqual(after[field], before[field])
      t.is(after.disabledAt === null, before.disabledAt === null)
    }
  })
}

test('rows that cannot be taken are reported with their lines, and the rest goes on', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const hash = `bcrypt_sha256$$2b$04$${'a'.repeat(53)}`
  const rows = [
    '{"username":"first","password_hash":null,"disabled":true}',
    'nonsense',
    '{"username":"second","password_hash":"pbkdf2_sha256$1$a$b"}',
    '{"username":"third","pasword_hash":"x"}',
    '[]',
    '{"username":" padded"}',
    '{"username":"fifth","claims":{"sub":"root"}}',
    '{"email":"only@example.org"}',
    '',
    `{"username":"${'x'.repeat(70_000)}"}`,
    `{"username":"deep","claims":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`,
    '{"username":"sixth","id":"42"}',
    `{"username":"seventh","password_hash":"${hash}","email":"s@example.org"}`,
    '{"username":"first"}',
  ]
  const bytes = Buffer.concat([Buffer.from(`${rows.join('\n')}\n`), Buffer.from([0xff, 0xfe, 0x0a])])
  const { code, stdout, stderr } = await runMintage(['user', 'import', '-', '--json'], environment, bytes)
  t.is(code, 1)
  const { refused_rows: refusedRows, ...told } = JSON.parse(stdout)
  t.deepEqual(told, {
    created: 2,
    updated: 0,
    unchanged: 0,
    skipped: 1,
    refused: 11,
    hashes: { none: 2, bcrypt_sha256: 1 },
    dry_run: false,
  })
  t.deepEqual(
    refusedRows.map(({ row }: { row: string }) => row),
    [2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 15].map((line) => `line ${line}`),
  )
  for (const [line, said] of [
    [2, /not JSON/],
    [3, /no format that a login here can check \(known: bcrypt_sha256, /],
    [4, /"pasword_hash"/],
    [5, /expected a JSON object/],
    [6, /A user name is/],
    [7, /Only the issuer sets sub/],
    [8, /username: expected a text/],
    [10, /longer than 65536 bytes/],
    [11, /Free claims are at most/],
    [12, /an id that Mintage gave/],
    [15, /not text in UTF-8/],
  ] as const) {
    t.regex(stderr.split('\n').find((each) => each.includes(`line ${line}:`)) ?? '', said)
  }
  t.notRegex(stderr, / {4}at /)

  const file = join(directory, 'users.csv')
  writeFileSync(
    file,
    '\uFEFFusername,email,disabled\r\nfirst,f@example.org,false\r\neighth,,\r\nshort\r\nninth,,perhaps\r\n',
  )
  const csv = await runMintage(['user', 'import', file, '--update', '--json'], environment)
  t.is(csv.code, 1)
  t.like(JSON.parse(csv.stdout), { created: 1, updated: 1, refused: 2 })
  t.regex(csv.stderr, /line 4: It has another number of cells/)
  t.regex(csv.stderr, /line 5: disabled: expected true or false/)
  writeFileSync(file, 'username,emial\nx,y\n')
  const head = await runMintage(['user', 'import', file], environment)
  t.is(head.code, 1)
  t.regex(head.stderr, /"emial" is none of them: .*\nmintage: \(Did you mean email\?\)/)
  const users = JSON.parse((await runMintage(['user', 'list', '--json'], environment)).stdout)
  t.deepEqual(users.map(({ username }: { username: string }) => username).sort(), [
    'eighth',
    'first',
    'seventh',
  ])
})

test('security 16: an import that changes a password or disables a user ends the sessions', async (t) => {
  const issuer = await startTestIssuer(t)
  const environment = { MINTAGE_DATABASE_URL: issuer.databaseUrl, MINTAGE_KEYS_DIR: issuer.keysDir }
  const update = (row: object) =>
    runMintage(['user', 'import', '-', '--update', '--json'], environment, JSON.stringify(row))
  const isDead = async (refreshToken: string) => {
    const { body } = await ask(issuer, 'token', { grant_type: 'refresh_token', refresh_token: refreshToken })
    return body['error'] === 'invalid_grant'
  }
  const first = await login(issuer)
  t.is((await update({ username: 'ada', email: 'new@example.org' })).code, 0)
  t.false(await isDead(first.refresh_token))
  const second = await login(issuer)
  t.is((await update({ username: 'ada', disabled: true })).code, 0)
  t.true(await isDead(second.refresh_token))
  await issuer.administration.users.enable('ada')
  const third = await login(issuer, { password })
  t.is((await update({ username: 'ada', password_hash: `bcrypt_sha256$$2b$04$${'a'.repeat(53)}` })).code, 0)
  t.true(await isDead(third.refresh_token))
})

test('security 9: an import enables nobody who was disabled here, whatever it says of them', async (t) => {
  const issuer = await startTestIssuer(t)
  const environment = { MINTAGE_DATABASE_URL: issuer.databaseUrl, MINTAGE_KEYS_DIR: issuer.keysDir }
  const exported = await runMintage(['user', 'export'], environment)
  t.is(parse(exported.stdout)[0].disabled, false)
  await issuer.administration.users.disable('ada')
  const { disabledAt } = await issuer.administration.users.get('ada')
  for (const [rows, outcome] of [
    [exported.stdout, { unchanged: 1 }],
    ['{"username":"ada","disabled":false,"email":"new@example.org"}', { updated: 1 }],
    ['{"username":"ada","disabled":true}', { unchanged: 1 }],
  ] as const) {
    const { stdout } = await runMintage(['user', 'import', '-', '--update', '--json'], environment, rows)
    t.like(parse(stdout)[0], outcome)
    t.is((await issuer.administration.users.get('ada')).disabledAt, disabledAt)
  }
  t.like(await issuer.administration.users.get('ada'), { email: 'new@example.org' })
})

test('the help of --update says what ends sessions, and that nobody is enabled', async (t) => {
  const { stdout } = await runMintage(['user', 'import', '--help'], {})
  const help = stdout.replaceAll(/\s+/g, ' ')
  t.regex(help, /another hash ends their sessions, also one that Django made of the same password/)
  t.regex(help, /it disables, and enables nobody/)
})

test('on a terminal an import shows how far it is, and off one it shows nothing', async (t) => {
  const directory = makeDirectory(t)
  const file = join(directory, 'users.ndjson')
  writeFileSync(file, Array.from({ length: 2_000 }, (_, n) => `{"username":"user-${n}"}\n`).join(''))
  const environment = serveEnvironment(directory)
  const off = await runMintage(['user', 'import', file, '--dry-run', '--json'], environment)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape code is what must not be there
  t.notRegex(off.stderr, /[\r\u001b]/)
  if (spawnSync('script', ['--version']).status !== 0) return t.log('no script(1) here, so no terminal')
  const command = `'${process.execPath}' '${executable}' user import '${file}'`
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env['PATH'], ...environment },
    encoding: 'utf8',
  })
  t.regex(stdout, /importing: [\d,]+ users, \d+ %, [\d,]+ a second, \d+:\d\d left/)
  t.regex(stdout, /created +2000/)
})

test('a list of sessions for people is cut where it says so, and one for programs is whole', async (t) => {
  const issuer = await startTestIssuer(t)
  for (let n = 0; n < 105; n++) await login(issuer)
  const [{ refresh_token: ended }] = [await login(issuer)]
  await ask(issuer, 'revoke', { token: ended })
  const environment = { MINTAGE_DATABASE_URL: issuer.databaseUrl, MINTAGE_KEYS_DIR: issuer.keysDir }
  const results = await runMintageBatch(
    [
      ['session', 'list'],
      ['session', 'list', '--json'],
      ['session', 'list', '--active', '--json'],
      ['session', 'list', '--limit', '3', '--json'],
      ['session', 'list', '--limit', '200'],
      ['session', 'list', '--user', 'ada', '--client', 'app', '--json'],
    ],
    environment,
  )
  const [table, all, active, few, many, others] = results
  t.is(table?.stdout.trimEnd().split('\n').length, 101)
  t.regex(table?.stderr ?? '', /There are more than these 100: say --limit/)
  const sessions = parse(all?.stdout)[0]
  t.is(sessions.length, 106)
  t.is(sessions[0].end_reason, 'revoked_by_client')
  t.is(parse(active?.stdout)[0].length, 105)
  t.deepEqual(parse(few?.stdout)[0], sessions.slice(0, 3))
  t.is(many?.stdout.trimEnd().split('\n').length, 107)
  t.is(many?.stderr, '')
  t.is(others?.stdout, '[]\n')
})
