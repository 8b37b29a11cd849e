import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { makeDirectory } from '../support/installation.ts'
import { basic, decodeClaims, post, toPair } from '../support/oauth.ts'

const quick = { MINTAGE_BCRYPT_COST: '4', MINTAGE_HASH_THREADS: '1' }

const members = [
  'audience',
  'client_id',
  'client_secret',
  'data',
  'issuer',
  'password',
  'public_client_id',
  'scope',
  'username',
]

function startDev(data: string, environment: Readonly<Record<string, string>> = {}) {
  return startChildIssuer(['dev', '--json', '--port', '0', '--data', data], { ...quick, ...environment })
}

test('dev --json prints what there is, first on stdout, at every log level, and the same again', async (t) => {
  const data = join(makeDirectory(t), 'not yet', 'there')
  const seen: Record<string, unknown>[] = []
  for (const level of ['trace', 'silent']) {
    const issuer = await startDev(data, { MINTAGE_LOG_LEVEL: level })
    t.deepEqual(Object.keys(issuer.ready).sort(), members)
    for (const member of members) t.is(typeof issuer.ready[member], 'string', member)
    const keys = await (await fetch(`${issuer.url}/.well-known/jwks.json`)).json()
    const { issuer: url, ...accounts } = issuer.ready
    t.is(url, issuer.url)
    seen.push({ ...accounts, keys })
    t.is(await issuer.end(), 0)
    t.is(issuer.stdout(), `${JSON.stringify(issuer.ready)}\n`)
  }
  for (const again of seen) t.deepEqual(again, seen[0])
  t.is(seen[0]?.['data'], data)
})

test('dev keeps everything for its owner alone', async (t) => {
  const data = join(makeDirectory(t), 'data')
  const issuer = await startDev(data)
  await issuer.end()
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  t.is(mode(data), '700')
  t.is(mode(join(data, 'dev.json')), '600')
  t.is(mode(join(data, 'mintage.db')), '600')
  t.is(mode(join(data, 'keys')), '700')
  for (const file of readdirSync(join(data, 'keys'))) t.is(mode(join(data, 'keys', file)), '600')
  const { issuer: _, data: __, ...accounts } = issuer.ready
  t.deepEqual(JSON.parse(readFileSync(join(data, 'dev.json'), 'utf8')), accounts)
})

test('the credentials of dev do what the interface says of them', async (t) => {
  const issuer = await startDev(makeDirectory(t))
  const { ready } = issuer
  const token = `${issuer.url}/oauth2/token`
  const client = basic({ id: String(ready['client_id']), secret: String(ready['client_secret']) })
  const login = {
    grant_type: 'password',
    username: String(ready['username']),
    password: String(ready['password']),
  }
  const app = { client_id: String(ready['public_client_id']) }
  for (const answer of [
    await post(token, { grant_type: 'client_credentials' }, client),
    await post(token, login, client),
    await post(token, { ...login, ...app }),
  ]) {
    t.is(answer.status, 200, answer.text)
    t.is(answer.body['scope'], ready['scope'])
    t.is(decodeClaims(String(answer.body['access_token']))['aud'], ready['audience'])
  }
  const { refresh_token } = toPair(await post(token, { ...login, ...app }))
  t.is((await post(token, { grant_type: 'refresh_token', refresh_token, ...app })).status, 200)
  const refused = await post(token, { grant_type: 'client_credentials', ...app })
  t.is(refused.body['error'], 'unauthorized_client')
  t.is(await issuer.end(), 0)
})

test('security 40: no two installations of dev share a credential', async (t) => {
  const [one, other] = [await startDev(makeDirectory(t)), await startDev(makeDirectory(t))]
  t.not(one.ready['client_secret'], other.ready['client_secret'])
  t.not(one.ready['password'], other.ready['password'])
  await Promise.all([one.end(), other.end()])
})

for (const host of ['127.0.0.1', '::1', 'localhost']) {
  test(`the curl line that dev prints on ${host} returns a token pair when pasted into a shell`, async (t) => {
    const issuer = await startChildIssuer(
      ['dev', '--port', '0', '--data', makeDirectory(t)],
      { ...quick, MINTAGE_HOST: host },
      /^ {2}curl .*$/m,
    )
    const line = /^ {2}(curl .*)$/m.exec(issuer.stdout())?.[1] ?? ''
    const answer = JSON.parse(execFileSync('bash', ['-c', line], { encoding: 'utf8' }))
    t.is(typeof answer.access_token, 'string')
    t.is(typeof answer.refresh_token, 'string')
    t.is(await issuer.end(), 0)
  })
}

test('what dev keeps can be administered while it runs', async (t) => {
  const data = makeDirectory(t)
  const issuer = await startDev(data)
  const environment = {
    MINTAGE_DATABASE_URL: `sqlite:${join(data, 'mintage.db')}`,
    MINTAGE_KEYS_DIR: join(data, 'keys'),
  }
  const listed = await runMintage(['client', 'list', '--json'], environment)
  t.deepEqual(
    JSON.parse(listed.stdout)
      .map((client: { client_id: string }) => client.client_id)
      .sort(),
    [issuer.ready['client_id'], issuer.ready['public_client_id']].sort(),
  )
  await issuer.end()
})

test('dev refuses every production setting by name, from a file too, and writes nothing', async (t) => {
  for (const name of ['ISSUER', 'DATABASE_URL', 'KEYS_DIR', 'VAULT_KEY', 'STATE_DIR']) {
    for (const variable of [`MINTAGE_${name}`, `MINTAGE_${name}_FILE`]) {
      const data = join(makeDirectory(t), 'data')
      const { code, stdout, stderr } = await runMintage(['dev', '--port', '0', '--data', data], {
        [variable]: '/run/secrets/x',
      })
      t.is(code, 1, variable)
      t.is(stdout, '')
      t.regex(stderr, new RegExp(`^mintage: ${variable} is set,.* unset it, or use mintage serve\\.\\n$`))
      t.false(existsSync(data))
    }
  }
})

test('dev refuses to listen off loopback', async (t) => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'issuer.example', '127.0.0.1.example.org']) {
    const data = join(makeDirectory(t), 'data')
    const { code, stderr } = await runMintage(['dev', '--port', '0', '--data', data], { MINTAGE_HOST: host })
    t.is(code, 1, host)
    t.regex(stderr, /^mintage: MINTAGE_HOST is .*loopback only\.\n$/)
    t.false(existsSync(data))
  }
})

test('dev names a dev.json that it cannot read, and one that was deleted is made anew', async (t) => {
  const data = makeDirectory(t)
  const first = await startDev(data)
  await first.end()
  const file = join(data, 'dev.json')
  for (const damaged of ['', '{', 'null', '[]', '{"client_secret":"","password":1}']) {
    writeFileSync(file, damaged)
    const { code, stderr } = await runMintage(['dev', '--port', '0', '--data', data], quick)
    t.is(code, 1, damaged)
    t.is(stderr, `mintage: ${file} is damaged: delete it, and the next start makes new credentials.\n`)
  }
  rmSync(file)
  const second = await startDev(data)
  t.not(second.ready['client_secret'], first.ready['client_secret'])
  const answer = await post(`${second.url}/oauth2/token`, {
    grant_type: 'client_credentials',
    client_id: String(second.ready['client_id']),
    client_secret: String(second.ready['client_secret']),
  })
  t.is(answer.status, 200)
  await second.end()
})

test('dev is used wrongly with a port that is none, or no directory', async (t) => {
  for (const args of [
    ['--port', '65536'],
    ['--port', '-1'],
    ['--port', 'x'],
    ['--port', ''],
    ['--data', ''],
    ['--port', '0', '--port', '0'],
    ['extra'],
  ]) {
    const { code, stdout } = await runMintage(['dev', ...args])
    t.is(code, 2, args.join(' '))
    t.is(stdout, '')
  }
})
