import test from 'ava'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'
import { decodeClaims, type Form, post, toPair } from '../support/oauth.ts'

const api = 'https://api.example'

test('what commands create can be used at once, and what they change takes effect, while a server runs', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const token = (form: Form) => post(`${issuer.url}/oauth2/token`, form)
  const run = async (args: readonly string[], stdin = '') => {
    const { code, stdout, stderr } = await runMintage([...args, '--json'], environment, stdin)
    t.is(code, 0, `${args.join(' ')}: ${stderr}`)
    t.regex(stdout, /^[^\n]+\n$/)
    return JSON.parse(stdout)
  }
  const becomes = async (form: () => Form, wished: number | string) => {
    const reads = async () => {
      const { status, body } = await token(form())
      return status === wished ? wished : (body['error'] ?? status)
    }
    t.is(await eventually(reads, (read) => read === wished), wished)
  }

  await run(['api', 'create', api, '--scope', 'orders:read orders:write'])
  const created = await run([
    ...['client', 'create', '--id', 'reports', '--name', 'Reports', '--audience', api],
    ...['--grant', 'client_credentials', '--grant', 'password', '--grant', 'refresh_token'],
  ])
  t.is(created.client_id, 'reports')
  t.regex(created.client_secret, /^[\w-]{43}$/)
  const reports = { client_id: 'reports', client_secret: created.client_secret }
  const own = { grant_type: 'client_credentials', ...reports }
  const first = await token(own)
  t.is(first.status, 200, first.text)
  t.is(first.body['scope'], 'orders:read orders:write')

  const user = await run(
    ['user', 'create', 'ada', '--claims', '{"role":"editor"}', '--password-stdin'],
    `${password}\n`,
  )
  t.is(user.username, 'ada')
  t.regex(user.id, /^usr_/)
  const credentials = { grant_type: 'password', username: 'ada', password, ...reports }
  const pair = toPair(await token(credentials))
  t.is(decodeClaims(pair.access_token)['sub'], user.id)
  t.is(decodeClaims(pair.access_token)['role'], 'editor')

  const [session] = await run(['session', 'list', '--user', 'ada', '--client', 'reports'])
  t.is(session.sid, decodeClaims(pair.access_token)['sid'])
  t.deepEqual(await run(['session', 'revoke', session.sid]), { revoked: 1 })
  const refresh = { grant_type: 'refresh_token', refresh_token: pair.refresh_token, ...reports }
  t.is((await token(refresh)).body['error'], 'invalid_grant')

  await run(['client', 'update', 'reports', '--scope', 'orders:read'])
  const scope = async () => (await token(own)).body['scope']
  t.is(await eventually(scope, (read) => read === 'orders:read'), 'orders:read')
  await run(['api', 'update', api, '--access-token-ttl', '2m'])
  const life = async () => (await token(own)).body['expires_in']
  t.is(await eventually(life, (read) => read === 120), 120)

  await run(['client', 'disable', 'reports'])
  await becomes(() => own, 'invalid_client')
  await run(['client', 'enable', 'reports'])
  await becomes(() => own, 200)
  const rotated = await run(['client', 'rotate-secret', 'reports', '--overlap', '0s'])
  await becomes(() => own, 'invalid_client')
  reports.client_secret = rotated.client_secret
  const renewed = { ...own, ...reports }
  await becomes(() => renewed, 200)

  await run(['user', 'set-password', 'ada'], 'another horse, another staple\r\n')
  await becomes(() => ({ ...credentials, ...reports }), 'invalid_grant')
  const fresh = { ...credentials, ...reports, password: 'another horse, another staple' }
  await becomes(() => fresh, 200)
  await run(['user', 'disable', 'ada'])
  await becomes(() => fresh, 'invalid_grant')
  await run(['user', 'enable', 'ada'])
  await becomes(() => fresh, 200)
  t.is((await run(['session', 'revoke', '--user', 'ada'])).revoked > 0, true)
  t.deepEqual(await run(['session', 'revoke', '--all']), { revoked: 0 })
  t.deepEqual(await run(['user', 'delete', 'ada']), { user: 'ada', deleted: true })
  await becomes(() => fresh, 'invalid_grant')
  t.deepEqual(await run(['client', 'delete', 'reports']), { client_id: 'reports', deleted: true })
  await becomes(() => renewed, 'invalid_client')
  t.is(await issuer.end(), 0)
})

test('keys are listed, exported in public, rotated and revoked while a server runs', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const run = (...args: readonly string[]) => runMintage(['keys', ...args], environment)
  const list = async () => JSON.parse((await run('list', '--json')).stdout)
  const published = async () => (await fetch(`${issuer.url}/.well-known/jwks.json`)).text()

  const keys: readonly Record<string, unknown>[] = await list()
  t.deepEqual(keys.map((key) => key['state']).sort(), ['current', 'next'])
  for (const key of keys) {
    t.regex(String(key['kid']), /^[\w-]{43}$/)
    for (const time of ['created_at', 'published_at']) t.false(Number.isNaN(Date.parse(String(key[time]))))
    t.true((await published()).includes(String(key['kid'])))
  }
  const kid = String(keys.find((key) => key['state'] === 'current')?.['kid'])
  t.regex((await run('export')).stdout, /^-----BEGIN PUBLIC KEY-----\n[\s\S]+-----END PUBLIC KEY-----\n$/)
  const jwk = JSON.parse((await run('export', kid, '--jwk')).stdout)
  t.deepEqual(Object.keys(jwk).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
  t.regex((await run('export', '--private')).stdout, /^-----BEGIN PRIVATE KEY-----\n/)
  const early = await run('rotate')
  t.is(early.code, 1)
  t.regex(early.stderr, /too young: .* keys revoke KID/)
  t.is((await run('rotate-mac', '--json')).code, 0)

  t.deepEqual(JSON.parse((await run('revoke', kid, '--json')).stdout), { revoked: kid })
  t.false((await eventually(published, (jwks) => !jwks.includes(kid))).includes(kid))
  const before = await published()
  t.is((await run('revoke', '--all')).code, 0)
  const after = await eventually(published, (jwks) => jwks !== before)
  for (const key of JSON.parse(before).keys) t.false(after.includes(key.kid))
  t.is((await fetch(`${issuer.url}/readyz`)).status, 200)
  t.is(await issuer.end(), 0)
})

test('security 14: a password that is too short, too long or no text is refused, and nothing is made', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const create = (stdin: string | Buffer) =>
    runMintage(['user', 'create', 'ada', '--password-stdin', '--json'], environment, stdin)
  for (const [stdin, said] of [
    ['', /at least 15 characters/],
    ['\n', /at least 15 characters/],
    ['fourteen chars', /at least 15 characters/],
    ['fourteen chars\n', /at least 15 characters/],
    // Fourteen characters, though twenty-eight UTF-16 units.
    ['\u{1F600}'.repeat(14), /at least 15 characters/],
    ['x'.repeat(4_097), /at most 4096 bytes/],
    ['x'.repeat(1_000_000), /too long/],
    [Buffer.from('a good long password \xff\xfe', 'latin1'), /not text in UTF-8/],
  ] as const) {
    const { code, stdout, stderr } = await create(stdin)
    t.is(code, 1, stderr)
    t.is(stdout, '')
    t.regex(stderr, said)
    t.regex(stderr, /^mintage: [^\n]+\n$/)
  }
  t.is((await runMintage(['user', 'list', '--json'], environment)).stdout, '[]\n')
  t.is((await create(`${'x'.repeat(4_096)}\n`)).code, 0)
  const again = await create('a good long password\n')
  t.is(again.code, 1)
  t.regex(again.stderr, /There is a user "ada" already/)
})

test('without --json people get columns, and no control character reaches their terminal', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const run = (...args: readonly string[]) => runMintage(args, environment)
  t.regex((await run('migrate')).stdout, /^database {2}sqlite:.*\nschema {4}up to date\n$/)
  t.regex(
    (await run('api', 'create', api, '--scope', 'a b')).stdout,
    /^audience +https:\/\/api\.example\nscopes +a b\n/,
  )
  const created = await run('client', 'create', '--id', 'app', '--public', '--grant', 'password')
  t.regex(created.stdout, /^client_id +app\n/)
  t.notRegex(created.stdout + created.stderr, /secret/)
  const secret = await run('client', 'create', '--id', 'reports', '--grant', 'client_credentials')
  t.regex(secret.stdout, /\nclient_secret +[\w-]{43}\n$/)
  t.is(secret.stderr, 'Keep the secret now: it is not shown again.\n')
  t.notRegex((await run('client', 'get', 'reports')).stdout, /secret/)
  const list = (await run('client', 'list')).stdout.trimEnd().split('\n')
  t.is(list.length, 3)
  t.regex(list[0] ?? '', /^CLIENT_ID +NAME +PUBLIC/)
  await run('user', 'create', 'ada', '--claims', '{"x":"\\u001b[2J\\r\\nforged"}')
  const shown = (await run('user', 'get', 'ada')).stdout
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  t.notRegex(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

test('a command that only looks makes no database where there is none, and one that creates does', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  for (const args of [
    ['user', 'list'],
    ['keys', 'list'],
    ['audit', 'verify'],
    ['recover', '--end-sessions'],
  ]) {
    const { code, stdout, stderr } = await runMintage(args, environment)
    t.deepEqual([code, stdout], [1, ''], args.join(' '))
    t.regex(stderr, /There is no database at .*: make MINTAGE_DATABASE_URL name/)
  }
  t.is((await runMintage(['api', 'create', api], environment)).code, 0)
  t.is((await runMintage(['user', 'list'], environment)).code, 0)
})
