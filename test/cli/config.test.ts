import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { makeDirectory } from '../support/installation.ts'

/** A working directory with a `mintage.toml`. */
function makeWorkplace(t: ExecutionContext, toml: string): string {
  const directory = makeDirectory(t)
  writeFileSync(join(directory, 'mintage.toml'), toml)
  return directory
}

const good = 'issuer = "https://issuer.example"\nport = 0\nadmin_port = "off"\n'

test('config check says yes on stdout and warns on stderr, and both in JSON', async (t) => {
  const directory = makeWorkplace(t, `${good}trusted_proxies = ["0.0.0.0/0"]\n`)
  const words = await runMintage(['config', 'check'], {}, '', directory)
  t.is(words.code, 0)
  t.is(words.stdout, 'configuration  good, with warnings\n')
  t.regex(words.stderr, /^mintage: warning: MINTAGE_TRUSTED_PROXIES has 0\.0\.0\.0\/0: [^\n]*\n$/)
  const json = await runMintage(['config', 'check', '--json'], {}, '', directory)
  t.is(json.code, 0)
  const { valid, problems, warnings } = JSON.parse(json.stdout)
  t.deepEqual([valid, problems, warnings.length], [true, [], 1])
})

test('config check says every problem, in JSON too, and exits 1', async (t) => {
  const directory = makeWorkplace(t, 'prot = 1\nlog_level = "loud"\n')
  const { code, stdout, stderr } = await runMintage(['config', 'check', '--json'], {}, '', directory)
  t.is(code, 1)
  const { valid, problems } = JSON.parse(stdout)
  t.false(valid)
  t.is(problems.length, 3)
  t.is(stderr, problems.map((problem: string) => `mintage: ${problem}\n`).join(''))
  for (const [index, name] of [
    'mintage.toml:1: prot',
    'mintage.toml:2: log_level',
    'MINTAGE_ISSUER',
  ].entries()) {
    t.true(problems[index].startsWith(name), problems[index])
  }
})

test('config print shows where each value comes from, and no secret', async (t) => {
  const directory = makeWorkplace(
    t,
    `${good}database_url = "postgres://u:canary-word@db/x"\nstate_dir = "s"\n`,
  )
  const environment = {
    MINTAGE_PORT: '9090',
    MINTAGE_VAULT_KEY: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8',
  }
  const table = await runMintage(['config', 'print'], environment, '', directory)
  t.is(table.code, 0)
  t.regex(table.stdout, /^SETTING +VALUE +SOURCE\n/)
  t.regex(table.stdout, /^MINTAGE_PORT +9090 +environment$/m)
  t.regex(table.stdout, /^MINTAGE_ISSUER +https:\/\/issuer\.example +mintage\.toml:1$/m)
  t.regex(table.stdout, /^MINTAGE_KEYS_DIR +\.\/keys +default$/m)
  const { stdout } = await runMintage(['config', 'print', '--json'], environment, '', directory)
  const shown = JSON.parse(stdout)
  const find = (name: string) => shown.find((each: { setting: string }) => each.setting === name)
  t.deepEqual(find('MINTAGE_PORT'), {
    setting: 'MINTAGE_PORT',
    key: 'port',
    value: 9090,
    source: 'environment',
    default: 8080,
  })
  t.deepEqual(find('MINTAGE_CORS_ORIGINS').value, [])
  t.is(find('MINTAGE_DATABASE_URL').value, 'postgres://u:redacted@db/x')
  t.is(find('MINTAGE_VAULT_KEY').value, '[redacted]')
  for (const text of [table.stdout, table.stderr, stdout]) t.notRegex(text, /canary|AAEC/)
})

test('--config is said before or after the command, once, and comes in place of mintage.toml', async (t) => {
  const directory = makeWorkplace(t, 'prot = 1\n')
  mkdirSync(join(directory, 'etc'))
  writeFileSync(join(directory, 'etc', 'other.toml'), good)
  const option = ['--config', 'etc/other.toml']
  for (const args of [
    [...option, 'config', 'check'],
    ['config', ...option, 'check'],
    ['config', 'check', ...option],
    ['config', 'check', '--config=etc/other.toml'],
  ]) {
    const { code, stderr } = await runMintage(args, {}, '', directory)
    t.is(code, 0, `${args.join(' ')}: ${stderr}`)
  }
  for (const args of [
    [...option, 'config', 'check', ...option],
    ['config', 'check', '--config'],
    ['config', 'check', '--config', ''],
  ]) {
    const { code, stdout } = await runMintage(args, {}, '', directory)
    t.is(code, 2, args.join(' '))
    t.is(stdout, '')
  }
})

test('every command that uses the installation reads the file', async (t) => {
  const directory = makeWorkplace(
    t,
    `${good}bcrypt_cost = 4\nkeys_dir = "secret/keys"\ndatabase_url = "sqlite:here/m.db"\n`,
  )
  const issuer = ['api', 'create', 'https://api.example', '--json']
  const created = await runMintage(issuer, {}, '', directory)
  t.is(created.code, 0, created.stderr)
  t.regex(created.stderr, /here\/m\.db was made/)
  const migrated = await runMintage(['migrate', '--json'], {}, '', directory)
  t.is(JSON.parse(migrated.stdout).database, 'sqlite:here/m.db')
  const misconfigured = await runMintage(['client', 'list'], { MINTAGE_PORT: 'x' }, '', directory)
  t.is(misconfigured.code, 1)
  t.regex(misconfigured.stderr, /^mintage: MINTAGE_PORT is "x": expected /)
  const served = await startChildIssuer(['serve', '--config', join(directory, 'mintage.toml')], {
    MINTAGE_KEYS_DIR: join(directory, 'secret/keys'),
    MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'here/m.db')}`,
  })
  t.is(served.ready['issuer'], 'https://issuer.example')
  t.is(await served.end(), 0)
})

test('dev leaves what the file says of production alone, and honours the rest', async (t) => {
  const directory = makeWorkplace(
    t,
    'issuer = "https://issuer.example"\nhost = "0.0.0.0"\ndatabase_url = "sqlite:production/m.db"\nkeys_dir = "production/keys"\nbcrypt_cost = 4\naccess_token_ttl = "3m"\n',
  )
  const data = join(directory, 'data')
  const args = ['dev', '--json', '--port', '0', '--data', data, '--config', join(directory, 'mintage.toml')]
  const issuer = await startChildIssuer(args, { MINTAGE_HASH_THREADS: '1' })
  t.regex(issuer.url, /^http:\/\/127\.0\.0\.1:/)
  t.regex(
    issuer.output(),
    /issuer, host, database_url, keys_dir: ignored, as mintage dev takes no production setting/,
  )
  const authorization = Buffer.from(`${issuer.ready['client_id']}:${issuer.ready['client_secret']}`).toString(
    'base64',
  )
  const answer = await fetch(`${issuer.url}/oauth2/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${authorization}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  t.is(((await answer.json()) as { expires_in: number }).expires_in, 180)
  t.is(await issuer.end(), 0)
})

test('dev takes no bad value from the file either', async (t) => {
  const directory = makeWorkplace(t, 'port = "x"\n')
  const { code, stderr } = await runMintage(['dev', '--data', 'data'], {}, '', directory)
  t.is(code, 1)
  t.regex(stderr, /^mintage: mintage\.toml:1: port is "x": expected /)
})
