import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { runMintage, runMintageBatch } from '../support/child-issuer.ts'
import { password, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'
import { ask, login } from '../support/requests.ts'
import { DjangoTables, hashOf } from './django-tables.ts'

async function prepare(t: ExecutionContext) {
  const issuer = await startTestIssuer(t)
  const environment = { MINTAGE_DATABASE_URL: issuer.databaseUrl, MINTAGE_KEYS_DIR: issuer.keysDir }
  const run = async (source: string, ...args: readonly string[]) => {
    const { code, stdout, stderr } = await runMintage(
      ['user', 'import', source, '--json', ...args],
      environment,
    )
    return { code, stderr, counts: stdout.startsWith('{') ? JSON.parse(stdout) : undefined, stdout }
  }
  const get = (name: string) => issuer.administration.users.get(name)
  return { issuer, environment, run, get, file: (name: string) => join(issuer.directory, name) }
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
}

const isDead = async (issuer: TestIssuer, refreshToken: string) => {
  const { body } = await ask(issuer, 'token', { grant_type: 'refresh_token', refresh_token: refreshToken })
  return body['error'] === 'invalid_grant'
}

test('users of a Django database log in with their old passwords, under the id that services know them by', async (t) => {
  const { issuer, run, get, file } = await prepare(t)
  const project = new DjangoTables(file('django.sqlite3'))
  project.add(41, 'bea', { password: hashOf('pbkdf2_sha256'), email: 'Bea@example.org' })
  project.add(42, 'carl', { password: hashOf('argon2'), is_active: 0 })
  project.add(43, 'dora')
  project.add(9007199254740993n, 'emil', { password: hashOf('md5'), date_joined: '2020-01-02 03:04:05' })
  const dry = await run(project.path, '--dry-run')
  t.like(dry.counts, { created: 4, dry_run: true })
  t.deepEqual(dry.counts.hashes, { pbkdf2_sha256: 1, argon2: 1, none: 1, md5: 1 })
  t.regex(
    dry.stderr,
    /left behind: last_login, is_superuser, last_name, is_staff, first_name, groups, permissions/,
  )
  t.is((await run(project.path)).counts.created, 4)

  const claims = claimsOf((await login(issuer, { username: 'bea' })).access_token)
  t.is(claims['user_id'], '41')
  t.is(claims['sub'], (await get('bea')).id)
  t.like(await get('bea'), { email: 'Bea@example.org', createdAt: Date.parse('2024-05-06T07:08:09.123Z') })
  t.regex((await get('bea')).password ?? '', /^bcrypt_sha256/)
  t.not((await get('carl')).disabledAt, null)
  t.is((await get('dora')).password, null)
  t.like(await get('emil'), {
    claims: { user_id: '9007199254740993' },
    createdAt: Date.parse('2020-01-02T03:04:05Z'),
  })
  t.truthy((await login(issuer, { username: 'emil' })).refresh_token)
})

test('a token of the simplejwt preset calls a user who came from Django what Django did', async (t) => {
  const { issuer, run, file } = await prepare(t)
  const project = new DjangoTables(file('django.sqlite3'))
  project.add(7, 'bea', { password: hashOf('md5') })
  await run(project.path)
  await issuer.administration.apis.update('https://api.example', { claimsPreset: 'simplejwt' })
  t.is(claimsOf((await login(issuer, { username: 'bea' })).access_token)['user_id'], '7')
  t.is(claimsOf((await login(issuer)).access_token)['user_id'], issuer.user.id)
})

test('an import that is repeated doubles nobody, sees who was renamed, and leaves alone what was changed here', async (t) => {
  const { issuer, run, get, file } = await prepare(t)
  const project = new DjangoTables(file('django.sqlite3'))
  project.add(1, 'bea', { password: hashOf('pbkdf2_sha1') })
  project.add(2, 'carl', { password: hashOf('pbkdf2_sha1') })
  project.add(3, 'dora', { password: hashOf('pbkdf2_sha1') })
  project.add(5, 'fay')
  await run(project.path)
  t.like((await run(project.path)).counts, { created: 0, skipped: 4, refused: 0 })

  const { refresh_token: bea } = await login(issuer, { username: 'bea' })
  const { refresh_token: carl } = await login(issuer, { username: 'carl' })
  await issuer.administration.users.setPassword('dora', 'seven quiet herons wade slowly')
  await issuer.administration.users.disable('fay')
  t.like((await run(project.path, '--update')).counts, { updated: 0, unchanged: 4 })
  t.not((await get('fay')).disabledAt, null, 'who is active there was disabled here')
  t.false(await isDead(issuer, bea), 'A better hash of the same password is no change.')

  project.run("UPDATE auth_user SET username = 'beatrix' WHERE id = 1")
  project.run('UPDATE auth_user SET password = ? WHERE id = 2', [hashOf('scrypt')])
  project.add(4, 'bea', { password: hashOf('md5') })
  t.like((await run(project.path, '--update')).counts, { created: 1, updated: 2, unchanged: 2 })
  t.like(await get('beatrix'), { claims: { user_id: '1' } })
  t.like(await get('bea'), { claims: { user_id: '4' } })
  t.true(await isDead(issuer, carl), 'security 16: another password there ends the sessions here.')
  t.truthy(
    (await login(issuer, { username: 'dora', password: 'seven quiet herons wade slowly' })).access_token,
  )
})

test('who may be somebody else is refused, by the primary key, and the rest goes on', async (t) => {
  const { issuer, run, file } = await prepare(t)
  await issuer.administration.users.update('ada', { claims: { user_id: 5 } })
  const project = new DjangoTables(file('django.sqlite3'))
  project.add(6, 'ada')
  project.add(7, ' padded')
  project.add(8, 'nul', {
    password: 'pbkdf2_sha256$1000000000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  })
  project.add(9, 'late', { date_joined: 'yesterday' })
  project.add(10, 'mail', { email: 'nowhere' })
  project.add(11, 'odd', { is_active: 2 })
  project.add(12, 'ﬁne')
  project.add(13, 'fine')
  project.add(14, 'last')
  const { code, stderr, counts } = await run(project.path)
  t.is(code, 1)
  t.like(counts, { created: 2, refused: 7 })
  const told = new Map(
    counts.refused_rows.map(({ row, problem }: { row: string; problem: string }) => [row, problem]),
  )
  for (const [row, problem] of [
    ['id 6', /The user name "ada" belongs to a user here who has the user_id "5"/],
    ['id 7', /A user name is/],
    ['id 8', /its iterations are 1,000,000,000/],
    ['id 9', /created_at: expected a time/],
    ['id 10', /"nowhere" is no e-mail address/],
    ['id 11', /disabled: expected true or false/],
    // Django normalises names itself, so that these are one only in a table that something else wrote.
    ['id 13', /"fine" belongs to a user here who has the user_id "12"/],
  ] as const) {
    t.regex(String(told.get(row)), problem)
    t.regex(stderr, new RegExp(`mintage: ${row}: `))
  }
  t.deepEqual((await run(project.path, '--dry-run')).counts.refused, 7)
})

test('nobody gets the account of a user who was made here by having the same name elsewhere', async (t) => {
  const { issuer, environment, run, get, file } = await prepare(t)
  await issuer.administration.users.update('ada', { claims: { role: 'operator' } })
  const before = await get('ada')
  const { refresh_token: session } = await login(issuer)
  const project = new DjangoTables(file('django.sqlite3'))
  project.add(6, 'ada', { password: hashOf('md5') })
  project.add(7, 'bea', { password: hashOf('md5') })
  const take = ['user', 'import', project.path, '--json']
  const runs = [[...take, '--update', '--dry-run'], [...take, '--update'], take]
  for (const { code, stdout, stderr } of await runMintageBatch(runs, environment)) {
    t.is(code, 1)
    t.is(JSON.parse(stdout).refused, 1)
    t.regex(stderr, /id 6: The user name "ada" belongs to a user who was made here.* the claim user_id "6"/)
  }
  t.deepEqual(await get('ada'), before)
  t.false(await isDead(issuer, session))
  t.deepEqual((await get('bea')).claims, { user_id: '7' })

  const list = (row: object) =>
    runMintage(['user', 'import', '-', '--update'], environment, JSON.stringify(row))
  t.is((await list({ username: 'ada', claims: { role: 'reader' } })).code, 0, 'A list without user_id.')
  t.deepEqual((await get('ada')).claims, { role: 'reader' })
  t.is((await list({ username: 'ada', id: before.id, claims: { user_id: '6' } })).code, 0, 'An id of ours.')
  t.like((await run(project.path, '--update')).counts, { updated: 1, unchanged: 1, refused: 0 })
  t.is((await get('ada')).password, hashOf('md5'), 'who was said to be the same')
})

test('a mapping makes claims of the columns of any user model, and one is suggested for it', async (t) => {
  const { issuer, run, get, file } = await prepare(t)
  const project = new DjangoTables(file('django.sqlite3'), 'accounts.member')
  const id = '0f8fad5bd9cb469fa16570867728950e'
  project.run(
    `INSERT INTO accounts_member VALUES (?, NULL, ?, 'bea@example.org', 1, 'gold', '1990-01-02', x'ff', '{"a":[1]}', '2024-05-06 07:08:09')`,
    [hashOf('bcrypt'), id],
  )
  project.run(`INSERT INTO accounts_member_groups VALUES (1, '${id}', 21), (2, '${id}', 22)`)
  project.run(`INSERT INTO accounts_member_user_permissions VALUES (1, '${id}', 11)`)
  const suggested = await run(project.path, '--suggest-mapping')
  t.is(suggested.code, 0)
  const mappingText: string = suggested.counts.mapping
  for (const line of [
    'table = "accounts_member"',
    'username = "email"',
    'created = false',
    'user_id = "id"',
    '# plan = "plan"',
    '# groups = "groups"',
  ]) {
    t.true(mappingText.split('\n').includes(line), line)
  }
  const mapping = file('users.toml')
  writeFileSync(mapping, mappingText)
  t.like((await run(project.path, '--mapping', mapping, '--dry-run')).counts, { created: 1 })
  writeFileSync(
    mapping,
    '[user]\ncreated = "joined"\n[claims]\nlevel = "plan"\nbirthdate = "birthday"\nsettings = "settings"\n' +
      'groups = "groups"\npermissions = "permissions"\nlast_login = "last_login"\n',
  )
  t.like((await run(project.path, '--mapping', mapping)).counts, { created: 1 })
  t.like(await get('bea@example.org'), {
    createdAt: Date.parse('2024-05-06T07:08:09Z'),
    email: 'bea@example.org',
  })
  t.deepEqual((await get('bea@example.org')).claims, {
    user_id: '0f8fad5b-d9cb-469f-a165-70867728950e',
    ...{ level: 'gold', birthdate: '1990-01-02', settings: { a: [1] } },
    ...{ groups: ['editors', 'readers'], permissions: ['auth.change_group', 'auth.view_group'] },
  })
  t.truthy((await login(issuer, { username: 'bea@example.org' })).access_token)

  // A claim that was added here stays, one whose column was emptied goes.
  await issuer.administration.users.update('bea@example.org', {
    claims: { ...(await get('bea@example.org')).claims, added: 'here' },
  })
  project.run('UPDATE accounts_member SET birthday = NULL')
  t.like((await run(project.path, '--mapping', mapping, '--update')).counts, { updated: 1 })
  const { claims } = await get('bea@example.org')
  t.is(claims['added'], 'here')
  t.false('birthdate' in claims)

  for (const [text, said] of [
    ['[user]\nusername = "emial"\n', /the column "emial", which is none of .*[\s\S]*Did you mean email\?/],
    ['[user]\nusername = false\n', /user.username: expected the name of a column/],
    ['[claims]\nphoto = "photo"\n', /photo holds bytes/],
    ['[claims]\nsub = "plan"\n', /Only the issuer sets sub/],
    ['table = "nothing"\n', /has no table nothing; those of users look to be accounts_member/],
    ['[usr]\n', /Unrecognized key: "usr"/],
    ['= x', /cannot be read: Invalid TOML/],
  ] as const) {
    writeFileSync(mapping, text)
    const wrong = await run(project.path, '--mapping', mapping, '--update')
    t.is(wrong.code, 1)
    t.regex(wrong.stderr, said)
  }
})

test('a dump is read as the database is, in each of its forms, whatever else is in it', async (t) => {
  const { run, get, file } = await prepare(t)
  const fields = {
    ...{
      password: hashOf('pbkdf2_sha256'),
      last_login: null,
      is_superuser: false,
      first_name: '',
      last_name: '',
    },
    ...{ email: 'b@example.org', is_staff: true, is_active: true, date_joined: '2024-05-06T07:08:09.123Z' },
  }
  const natural = {
    ...fields,
    username: 'bea',
    groups: [['editors']],
    user_permissions: [['change_group', 'auth', 'group']],
  }
  const byKey = { ...fields, username: 'carl', groups: [21], user_permissions: [11] }
  const stranger = { ...fields, username: 'dora', groups: [99], user_permissions: [] }
  const objects = [
    { model: 'contenttypes.contenttype', pk: 1, fields: { app_label: 'auth', model: 'group' } },
    { model: 'auth.permission', pk: 11, fields: { name: 'x', content_type: 1, codename: 'change_group' } },
    {
      model: 'auth.permission',
      pk: 12,
      fields: { name: 'x', content_type: ['auth', 'group'], codename: 'view_group' },
    },
    { model: 'auth.group', pk: 21, fields: { name: 'editors', permissions: [12] } },
    { model: 'sites.site', pk: 1, fields: { domain: 'x', text: 'y'.repeat(70_000) } },
    { model: 'auth.user', pk: 1, fields: natural },
    { model: 'auth.user', pk: 2, fields: byKey },
    { model: 'auth.user', pk: 3, fields: stranger },
    { model: 'auth.user', fields: { ...natural, username: 'emil' } },
    'nonsense',
  ]
  const mapping = file('users.toml')
  writeFileSync(mapping, '[claims]\ngroups = "groups"\npermissions = "permissions"\nstaff = "is_staff"\n')
  const dump = file('dump.json')
  writeFileSync(dump, JSON.stringify(objects))
  const { code, counts, stderr } = await run(dump, '--mapping', mapping)
  t.is(code, 1)
  t.like(counts, { created: 2, refused: 3 })
  t.regex(stderr, /pk 3: The dump does not say before it what is group 99/)
  t.regex(stderr, /object 9: It has no pk: make the dump without --natural-primary/)
  t.regex(stderr, /object 10: It is no object of a dump/)
  for (const [name, userId] of [
    ['bea', '1'],
    ['carl', '2'],
  ] as const) {
    t.deepEqual((await get(name)).claims, {
      user_id: userId,
      ...{ groups: ['editors'], permissions: ['auth.change_group', 'auth.view_group'], staff: true },
    })
    t.is((await get(name)).createdAt, Date.parse('2024-05-06T07:08:09.123Z'))
  }
  const lines = file('dump.jsonl')
  writeFileSync(
    lines,
    objects
      .slice(3, 7)
      .filter((_, at) => at !== 1)
      .map((each) => JSON.stringify(each))
      .join('\n'),
  )
  t.like((await run(lines, '--update')).counts, { unchanged: 2, refused: 0 })
  writeFileSync(dump, JSON.stringify(objects.slice(0, 7)).slice(0, -20))
  const cut = await run(dump)
  t.is(cut.code, 1)
  t.regex(cut.stderr, /object 7: It is not JSON. The rest cannot be read./)
  t.like(cut.counts, { skipped: 1, refused: 1 })
  writeFileSync(dump, JSON.stringify(objects.slice(0, 5)))
  t.regex((await run(dump)).stderr, /The dump holds no users/)
})

test('a dump with two models of users is refused until a mapping says which, and loses none in silence', async (t) => {
  const { environment, run, get, file } = await prepare(t)
  const users = { password: '!', last_login: null, is_active: true }
  const objects = [
    { model: 'auth.user', pk: 1, fields: { ...users, username: 'bea' } },
    { model: 'sites.site', pk: 1, fields: { domain: 'x', password: 'no user has one without last_login' } },
    { model: 'accounts.member', pk: 1, fields: { ...users, username: 'carl' } },
  ]
  const dump = file('dump.json')
  writeFileSync(dump, JSON.stringify(objects))
  const args = ['user', 'import', dump]
  for (const { code, stdout, stderr } of await runMintageBatch(
    [args, [...args, '--dry-run'], [...args, '--suggest-mapping']],
    environment,
  )) {
    t.is(code, 1)
    t.is(stdout, '')
    t.regex(stderr, /several models of users, auth.user and accounts.member: say which as table in a mapping/)
  }
  const mapping = file('users.toml')
  writeFileSync(mapping, 'table = "accounts.member"\n')
  t.like((await run(dump, '--mapping', mapping)).counts, { created: 1, refused: 0 })
  t.deepEqual((await get('carl')).claims, { user_id: '1' })
  await t.throwsAsync(get('bea'))
})

test('a source that is none is told as what it is, and no secret of its URL', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const empty = join(directory, 'empty.sqlite3')
  new DjangoTables(empty, 'accounts.member').run('DROP TABLE accounts_member')
  const two = new DjangoTables(join(directory, 'two.sqlite3'))
  two.run('CREATE TABLE other (id integer PRIMARY KEY, password text, last_login text)')
  writeFileSync(join(directory, 'broken.sqlite3'), 'SQLite format 3\0and nothing behind it')
  writeFileSync(join(directory, 'users.csv'), 'username\nx\n')
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[empty], /holds no users of Django: no table has the columns password and last_login/],
    [[two.path], /several tables of users, auth_user, other: say which as table in a mapping/],
    [[join(directory, 'broken.sqlite3')], /The SQLite database ".*" cannot be read: file is not a database/],
    [
      ['postgres://user:hunter2@127.0.0.1:1/db'],
      /The PostgreSQL database "127.0.0.1:1\/db" cannot be read: .*ECONNREFUSED/,
    ],
    [['postgres://[hunter2'], /expected postgres:\/\/USER@HOST:PORT\/DATABASE/],
    [['mysql://user:hunter2@host/db'], /Users are read from postgres:\/\//],
    [[join(directory, 'users.csv'), '--suggest-mapping'], /A mapping is for a project of Django/],
    [[two.path, '--mapping', join(directory, 'gone.toml')], /The mapping ".*gone.toml" cannot be read/],
  ]
  const results = await runMintageBatch(
    [['migrate'], ...cases.map(([args]) => ['user', 'import', ...args])],
    environment,
  )
  for (const [at, [args, said]] of cases.entries()) {
    const { code, stderr } = results[at + 1] ?? { code: 0, stderr: '' }
    t.is(code, 1, args.join(' '))
    t.regex(stderr, said)
    t.is(/PGPASSWORD/.test(stderr), /^postgres:.*:hunter2@/.test(args[0] ?? ''))
    t.false(stderr.includes('hunter2'))
    t.notRegex(stderr, / {4}at /)
  }
})

test('users go back as a fixture, whose hashes Django reads, those without a key last', async (t) => {
  const { issuer, environment, run, file } = await prepare(t)
  const project = new DjangoTables(file('django.sqlite3'))
  project.add(7, 'zoe', { password: hashOf('pbkdf2_sha256'), is_active: 0 })
  project.add(8, 'yara')
  await run(project.path)
  const hashes = [
    ['plain', `$2y$04$${'a'.repeat(53)}`],
    ['phc', '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc'],
    ['lost', `$scrypt$ln=4,r=8,p=1$c2FsdA$${'a'.repeat(43)}`],
  ]
  const rows = hashes.map(([username, hash]) => JSON.stringify({ username, password_hash: hash })).join('\n')
  t.is((await runMintage(['user', 'import', '-'], environment, rows)).code, 0)
  const args = ['user', 'export', '--format', 'django']
  const [plain, whole] = await runMintageBatch([args, [...args, '--with-password-hashes']], environment)
  t.regex(whole?.stderr ?? '', /1 of 6 passwords are hashed as Django cannot read/)
  t.regex(whole?.stderr ?? '', /loaddata writes whole rows/)
  const read = (stdout = '') =>
    JSON.parse(stdout).map((object: { pk?: unknown; fields: Record<string, unknown> }) => [
      object.pk,
      object.fields['username'],
      object.fields['is_active'],
      String(object.fields['password']).slice(0, 18),
    ])
  const unusable = (stdout = '') =>
    read(stdout).filter(([, , , hash]: string[]) => hash?.startsWith('!')).length
  t.is(unusable(plain?.stdout), 6)
  t.is(unusable(whole?.stdout), 2)
  const ada = (await issuer.administration.users.get('ada')).password ?? ''
  t.deepEqual(
    read(whole?.stdout).filter(([, , , hash]: string[]) => !hash?.startsWith('!')),
    [
      [7, 'zoe', false, 'pbkdf2_sha256$1000'],
      [undefined, 'ada', true, ada.slice(0, 18)],
      [undefined, 'phc', true, 'argon2$argon2id$v='],
      [undefined, 'plain', true, `bcrypt$$2b$04$${'a'.repeat(4)}`],
    ],
  )
  t.is(password, 'correct horse battery staple', 'which the hashes of the fixture are of')
})
