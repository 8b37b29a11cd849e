import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeChildInstallation } from '../support/child-installation.ts'
import { runMintage } from '../support/child-issuer.ts'
import { DjangoProject, scriptPath } from './django-project.ts'

/**
 * Users that Django made, with each of its hashers, move in with their passwords, and out again: printed as a table, and
 * the process fails when one cannot log in where it should, or can where it should not.
 */

const password = 'correct horse battery staple'
const newPassword = 'seven quiet herons wade slowly'
const hashed = ['pbkdf2_sha256', 'pbkdf2_sha1', 'argon2', 'bcrypt_sha256', 'bcrypt', 'scrypt', 'md5']
const audience = 'https://api.example'
const loader = fileURLToPath(new URL('../../../examples/way-back-to-django/load_users.py', import.meta.url))

interface Exported {
  readonly username: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly password_hash: string | null
}

for (const [model, named] of [
  [undefined, (name: string) => name],
  ['accounts.Member', (name: string) => `${name}@example.org`],
] as const) {
  const installation = await makeChildInstallation({ environment: { MINTAGE_BCRYPT_COST: '12' } })
  try {
    await moveInAndOut(installation, model, named)
  } finally {
    await installation.remove()
  }
}

async function moveInAndOut(
  installation: Awaited<ReturnType<typeof makeChildInstallation>>,
  model: string | undefined,
  named: (name: string) => string,
): Promise<void> {
  const { directory } = installation
  const environment = {
    MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'mintage.db')}`,
    MINTAGE_KEYS_DIR: installation.keysDir,
  }
  const mintage = async (args: readonly string[], stdin = '') => {
    const result = await runMintage(args, environment, stdin)
    assert.equal(result.code, 0, `mintage ${args.join(' ')}: ${result.stderr}`)
    return result.stdout
  }
  const exportUsers = async () => {
    const lines = (await mintage(['user', 'export', '--with-password-hashes'])).trimEnd().split('\n')
    return new Map(lines.map((line): [string, Exported] => [JSON.parse(line).username, JSON.parse(line)]))
  }
  const project = new DjangoProject({ sqlite: join(directory, 'django.sqlite3') }, model)
  await project.migrate()
  await project.run(readFileSync(scriptPath('make_users.py'), 'utf8'))

  const suggested = await mintage(['user', 'import', project.source, '--suggest-mapping'])
  const mapping = join(directory, 'users.toml')
  // All of it, but for what SQLite and a dump write in two ways: a decimal.
  writeFileSync(mapping, suggested.replaceAll(/^# (?=\S+ = )/gm, '').replace(/^balance = .*\n/m, ''))
  await mintage(['user', 'import', project.source, '--mapping', mapping])
  const before = await exportUsers()
  assert.equal(before.size, 10)
  // The same from a dump as from the database: nothing is left to change.
  const dump = join(directory, 'dump.json')
  const dumped = await project.manage([
    'dumpdata',
    '--natural-foreign',
    'auth',
    ...(model ? ['accounts'] : []),
  ])
  writeFileSync(dump, dumped)
  const again = JSON.parse(
    await mintage(['user', 'import', dump, '--mapping', mapping, '--update', '--json']),
  )
  assert.deepEqual([again.unchanged, again.refused], [10, 0], JSON.stringify(again))

  await installation.administer('api', 'create', audience)
  await installation.administer(
    ...['client', 'create', '--id', 'app', '--public', '--grant', 'password', '--grant', 'refresh_token'],
    ...['--audience', audience],
  )
  const server = await installation.serve()
  const login = async (name: string, secret: string) => {
    const response = await fetch(`${server.url}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'password', client_id: 'app', username: named(name), password: secret },
      }),
    })
    const body: unknown = await response.json()
    return response.status === 200 ? decode(body) : undefined
  }
  for (const name of [...hashed, 'staff']) {
    assert.equal(await login(name, 'wrong password'), undefined)
    const claims = await login(name, password)
    assert.equal(claims?.['user_id'], before.get(named(name))?.claims['user_id'], name)
  }
  for (const name of ['unusable', 'inactive']) assert.equal(await login(name, password), undefined, name)
  const after = await exportUsers()
  console.log(`\n${model ?? 'auth.User'}: 10 users of Django, the password grant, bcrypt at cost 12`)
  console.table(
    [...hashed, 'unusable', 'inactive', 'staff'].map((name) => ({
      user: named(name),
      'hash before': abridge(before.get(named(name))?.password_hash),
      'after the first login': abridge(after.get(named(name))?.password_hash),
    })),
  )
  for (const name of [...hashed, 'staff']) {
    assert.match(after.get(named(name))?.password_hash ?? '', /^bcrypt_sha256\$\$2b\$12\$/, name)
    assert.ok(await login(name, password), `${name} logs in a second time`)
  }
  if (model === undefined) {
    const { groups, permissions, is_superuser } = after.get('staff')?.claims ?? {}
    assert.deepEqual(
      [groups, permissions, is_superuser],
      [['editors'], ['auth.change_group', 'auth.view_group'], true],
    )
  }

  // The old project is read again: what was hashed better, or changed here, is left alone, and nobody is logged out.
  const [changed = '', ended = ''] = [named('argon2'), named('scrypt')]
  await mintage(['user', 'set-password', changed], newPassword)
  await mintage(['user', 'disable', ended])
  await mintage(['user', 'create', named('newcomer'), '--password-stdin'], newPassword)
  const update = ['user', 'import', project.source, '--mapping', mapping, '--update', '--json']
  const repeated = JSON.parse(await mintage([...update, '--dry-run']))
  assert.deepEqual([repeated.unchanged, repeated.updated], [10, 0], 'who was disabled here stays so')
  assert.ok(await login('argon2', newPassword))

  const fixture = join(directory, 'users.json')
  writeFileSync(fixture, await mintage(['user', 'export', '--format', 'django', '--with-password-hashes']))
  const stay = [...hashed, 'staff'].map(named).filter((name) => name !== changed && name !== ended)
  const check = async (target: DjangoProject, way: string) => {
    const everybody = [...before.keys(), named('newcomer')]
    const old = await target.authenticate(everybody, password)
    const fresh = await target.authenticate(everybody, newPassword)
    assert.deepEqual([...old].sort(), [...stay].sort(), way)
    assert.deepEqual([...fresh].sort(), [changed, named('newcomer')].sort(), way)
    console.log(`back by ${way}: ${old.length} log in with the old password, ${fresh.length} with a new one`)
  }
  if (model === undefined) {
    const target = new DjangoProject({ sqlite: join(directory, 'fresh.sqlite3') })
    await target.migrate()
    await target.run("from django.contrib.auth.models import Group\nGroup.objects.create(name='editors')\n")
    await target.manage(['loaddata', fixture, '-v0'])
    await check(target, 'manage.py loaddata')
    const kept = await target.run(
      "from django.contrib.auth.models import User\nu = User.objects.get(username='staff')\n" +
        'print(u.pk, u.is_superuser, u.first_name, [g.name for g in u.groups.all()])\n',
    )
    assert.equal(kept.trim(), "10 True Staff ['editors']")
  } else {
    // A row of this model needs more than Mintage knows.
    await mintage(['user', 'delete', named('newcomer')])
    writeFileSync(fixture, await mintage(['user', 'export', '--format', 'django', '--with-password-hashes']))
    await project.run(
      'from accounts.models import Member\nfrom django.contrib.auth.hashers import make_password\n' +
        'from django.utils.timezone import now\n' +
        `Member.objects.create(email='${named('newcomer')}', joined=now(), password=make_password('${newPassword}'))\n`,
    )
  }
  console.log((await project.python([loader, fixture])).trim())
  await check(project, 'load_users.py')
  rmSync(fixture)
}

function abridge(hash: string | null | undefined): string {
  return hash === null || hash === undefined ? 'none' : `${hash.slice(0, 22)}…`
}

/** The claims of the access token in an answer. */
function decode(body: unknown): Readonly<Record<string, unknown>> {
  const token =
    typeof body === 'object' && body !== null && 'access_token' in body ? String(body.access_token) : ''
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
}
