import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { findFreePort } from '../support/child-installation.ts'
import { runMintage, runMintageBatch, startChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { audience, password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, post, toPair } from '../support/oauth.ts'
import { commandTests, endpointTests, type Index, notBuiltYet, variableTests } from './interface-index.ts'

const root = new URL('../../../', import.meta.url)

/** The promises to the outside lie beside the checkout, where it is not somebody else's clone. */
const interfaceFile = new URL('../shared/interface.md', root)

/** The code spans in the first cell of every row that is headed by `head`. */
function readRows(markdown: string, heading: string): readonly (readonly string[])[] {
  const section = markdown.slice(markdown.indexOf(`\n## ${heading}\n`) + 1).split('\n## ')[0] ?? ''
  return section
    .split('\n')
    .filter((line) => /^\| *`/.test(line))
    .map((line) => line.split(/(?<!\\)\|/)[1] ?? '')
    .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll('\\|', '|')))
}

/** What a row of commands names, by the words that lead there. */
function readCommands([first = '', ...rest]: readonly string[]): readonly string[] {
  const [group = '', verb = ''] = first.replace(/^mintage /, '').split(' ')
  if (!/^[a-z]/.test(verb)) return [group, ...rest.map((span) => `${group} ${span.split(' ')[0]}`)]
  const others = rest.map((span) => {
    const [word = ''] = span.replace(`${group} `, '').split(' ')
    return word === 'doctor' ? word : `${group} ${word}`
  })
  return [...new Set([...verb.split('|').map((each) => `${group} ${each}`), ...others])]
}

function listBuilt(command: Command, path: readonly string[] = []): readonly string[] {
  return [path.join(' '), ...command.commands.flatMap((child) => listBuilt(child, [...path, child.name()]))]
}

test('each row of the interface has a test that runs the executable', (t) => {
  if (!existsSync(interfaceFile)) {
    t.log(`SKIPPED: there is no ${interfaceFile.pathname}`)
    t.pass()
    return
  }
  const markdown = readFileSync(interfaceFile, 'utf8')
  const built = new Set(listBuilt(createProgram()))
  const commands = readRows(markdown, 'Starting it').flatMap(readCommands)
  const variables = readRows(markdown, 'Configuration').flat()
  const endpoints = readRows(markdown, 'HTTP')
    .flat()
    .flatMap((span) => span.match(/\/[^,\s`]*/g) ?? [])
  t.true(commands.length > 35 && variables.length > 25 && endpoints.length > 15)
  const titles = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => [
      ...readFileSync(new URL(`test/${file}`, root), 'utf8').matchAll(/^test(?:\.serial)?\(\s*'([^']+)'/gm),
    ])
    .map(([, title]) => title)
  const check = (names: readonly string[], index: Index, isBuilt: (name: string) => boolean) => {
    for (const name of names) {
      const title = index[name]
      if (title !== undefined) t.true(titles.includes(title), `${name}: no test is called ${title}`)
      else if (isBuilt(name))
        t.fail(`${name} has no test: write one, and add its title to interface-index.ts`)
      else t.log(`${name} is not built yet`)
    }
  }
  check(commands, commandTests, (name) => built.has(name))
  check(variables, variableTests, (name) => !notBuiltYet.has(name))
  check(endpoints, endpointTests, (name) => !notBuiltYet.has(name))
})

test('what was made can be looked at, listed, changed and deleted by its name', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  await registerAccounts(environment)
  const commands = [
    ['client', 'list'],
    ['client', 'get', 'service'],
    ['api', 'update', audience, '--introspection-client', 'service'],
    ['api', 'get', audience],
    ['api', 'update', audience, '--no-introspection-client'],
    ['api', 'list'],
    ['user', 'update', 'ada', '--email', 'a@example.org', '--claims', '{"role":"x"}'],
    ['user', 'get', 'a@example.org'],
    ['user', 'update', 'ada', '--no-email'],
    ['user', 'list'],
    ['api', 'delete', audience],
    ['api', 'list'],
  ]
  const results = await runMintageBatch(
    commands.map((command) => [...command, '--json']),
    environment,
  )
  for (const [index, { code, stderr }] of results.entries()) t.is(code, 0, `${commands[index]}: ${stderr}`)
  const [clients, client, introspected, api, , apis, changed, user, , users, deleted, none] = results.map(
    ({ stdout }) => JSON.parse(stdout),
  )
  t.deepEqual(
    clients.map((each: { client_id: string }) => each.client_id),
    ['app', 'service'],
  )
  t.like(client, { client_id: 'service', public: false, disabled: false })
  t.deepEqual(api, introspected)
  t.is(api.introspection_client, 'service')
  t.is(apis[0].introspection_client, null)
  t.like(changed, { email: 'a@example.org', claims: { role: 'x' } })
  t.deepEqual(user, changed)
  t.like(users[0], { username: 'ada', email: null, claims: { role: 'x' } })
  t.deepEqual(deleted, { audience, deleted: true })
  t.deepEqual(none, [])
})

test('each variable has its effect on the executable', async (t) => {
  const directory = makeDirectory(t)
  const port = String(await findFreePort())
  const environment = {
    MINTAGE_ISSUER: 'https://issuer.example/at',
    MINTAGE_HOST: '127.0.0.1',
    MINTAGE_PORT: port,
    MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'other.db')}`,
    MINTAGE_KEYS_DIR: join(directory, 'other-keys'),
    MINTAGE_KEY_BITS: '3072',
    MINTAGE_ACCESS_TOKEN_TTL: '7m',
    MINTAGE_SESSION_IDLE_TTL: '2h',
    MINTAGE_SESSION_TTL: '3h',
    MINTAGE_REFRESH_RETRY_WINDOW: '0s',
    MINTAGE_JWKS_MAX_AGE: '11m',
    MINTAGE_BCRYPT_COST: '5',
    MINTAGE_HASH_THREADS: '1',
    MINTAGE_HASH_QUEUE: '0',
    MINTAGE_PASSWORD_MIN_LENGTH: '28',
  }
  const { service } = await registerAccounts(environment)
  const short = await runMintage(
    ['user', 'create', 'eve', '--password-stdin'],
    environment,
    password.slice(1),
  )
  t.regex(short.stderr, /at least 28 characters, and this one has 27/)
  const exported = await runMintage(['user', 'export', '--with-password-hashes'], environment)
  t.regex(JSON.parse(exported.stdout).password_hash, /^bcrypt_sha256\$\$2[aby]\$05\$/)

  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  t.is(issuer.url, `http://127.0.0.1:${port}`)
  t.is(issuer.ready['issuer'], 'https://issuer.example/at')
  t.deepEqual(
    ['other.db', 'other-keys'].map((name) => existsSync(join(directory, name))),
    [true, true],
  )
  const jwks = await fetch(`${issuer.url}/at/.well-known/jwks.json`).then(async (found) =>
    found.status === 200 ? found : fetch(`${issuer.url}/.well-known/jwks.json`),
  )
  t.is(jwks.headers.get('cache-control'), 'public, max-age=660')
  const { keys } = (await jwks.json()) as { readonly keys: readonly { readonly n: string }[] }
  t.is(Buffer.from(keys[0]?.n ?? '', 'base64url').length * 8, 3072)

  const metadata = await fetch(`${issuer.url}/.well-known/oauth-authorization-server/at`)
  const { token_endpoint: endpoint } = (await metadata.json()) as { readonly token_endpoint: string }
  const token = (form: Record<string, string>) =>
    post(issuer.url + new URL(endpoint).pathname, form, basic(service))
  const credentials = { grant_type: 'password', username: 'ada', password }
  // One thread that has yet to start, and no place to wait for it.
  const herd = await Promise.all(Array.from({ length: 8 }, () => token(credentials)))
  const statuses = herd.map(({ status }) => status)
  t.true(statuses.includes(200) && statuses.includes(503), statuses.join())
  const first = herd.find(({ status }) => status === 200)
  const [life, idle] = [Number(first?.body['expires_in']), Number(first?.body['refresh_token_expires_in'])]
  // Some of it may be over when the answer is written.
  t.true(life > 360 && life <= 420, `${life}`)
  t.true(idle > 7_100 && idle <= 7_200, `${idle}`)
  const refresh = { grant_type: 'refresh_token', refresh_token: String(first?.body['refresh_token']) }
  t.is((await token(refresh)).status, 200)
  t.is((await token(refresh)).body['error'], 'invalid_grant')
  const listed = await runMintage(['session', 'list', '--limit', '1', '--json'], environment)
  const [session] = JSON.parse(listed.stdout)
  t.is(Date.parse(session.expires_at) - Date.parse(session.created_at), 3 * 3_600_000)
  t.is(await issuer.end(), 0)
})

test('the limits of connections and the turn of keys are those of the variables', async (t) => {
  const environment = {
    ...serveEnvironment(makeDirectory(t)),
    MINTAGE_MAX_CONNECTIONS: '1',
    MINTAGE_KEY_ROTATION: '1s',
    MINTAGE_JWKS_MAX_AGE: '1s',
  }
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const ask = async () => {
    const answer = await fetch(`${issuer.url}/.well-known/jwks.json`, { headers: { Connection: 'close' } })
    return { status: answer.status, text: await answer.text() }
  }
  const first = await eventually(ask, ({ status }) => status === 200)
  const held = connect(Number(new URL(issuer.url).port), '127.0.0.1')
  held.on('error', () => undefined)
  t.is((await eventually(ask, ({ status }) => status === 503)).status, 503)
  held.destroy()
  const signer = ({ status, text }: { status: number; text: string }) =>
    status === 200 ? JSON.parse(text).keys[0].kid : undefined
  const turned = await eventually(ask, (answer) => ![undefined, signer(first)].includes(signer(answer)))
  t.not(signer(turned), signer(first))
})

test('a bad value of a variable stops the executable with its name', async (t) => {
  const bad = {
    MINTAGE_ADMIN_PORT: 'on',
    MINTAGE_STREAM_SUBSCRIBERS: '0',
    MINTAGE_TRUSTED_PROXIES: '10.0.0.0/99',
    MINTAGE_CORS_ORIGINS: 'https://app.example/path',
  }
  const { code, stdout, stderr } = await runMintage(['serve'], {
    ...serveEnvironment(makeDirectory(t)),
    ...bad,
  })
  t.deepEqual([code, stdout], [1, ''])
  for (const [name, value] of Object.entries(bad))
    t.true(stderr.includes(name) && stderr.includes(value), stderr)
})

test('each endpoint answers from the executable', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const ask = (path: string, form: Record<string, string>) => post(issuer.url + path, form, basic(service))
  const pair = toPair(await ask('/oauth2/token', { grant_type: 'password', username: 'ada', password }))
  t.is((await ask('/oauth2/token', { grant_type: 'client_credentials' })).status, 200)
  t.is((await ask('/oauth2/introspect', { token: pair.access_token })).body['active'], true)
  t.is((await ask('/oauth2/revoke', { token: pair.refresh_token })).status, 200)
  t.is((await ask('/oauth2/introspect', { token: pair.access_token })).body['active'], false)
  const refresh = { grant_type: 'refresh_token', refresh_token: pair.refresh_token }
  t.is((await ask('/oauth2/token', refresh)).body['error'], 'invalid_grant')
  for (const [path, type] of [
    ['/.well-known/jwks.json', /^application\/jwk-set\+json/],
    ['/.well-known/oauth-authorization-server', /^application\/json/],
    ['/.well-known/openid-configuration', /^application\/json/],
    ['/livez', /./],
    ['/readyz', /./],
  ] as const) {
    const answer = await fetch(issuer.url + path)
    t.is(answer.status, 200, path)
    t.regex(answer.headers.get('content-type') ?? '', type, path)
  }
  t.is(await issuer.end(), 0)
})

test('the admin listener is where its variables say, and origins may ask as theirs says', async (t) => {
  const admin = await findFreePort()
  const origin = 'https://app.example'
  const issuer = await startChildIssuer(['serve'], {
    ...serveEnvironment(makeDirectory(t)),
    MINTAGE_ADMIN_HOST: '127.0.0.1',
    MINTAGE_ADMIN_PORT: String(admin),
    MINTAGE_CORS_ORIGINS: origin,
  })
  t.teardown(() => issuer.end('SIGKILL'))
  const metrics = await fetch(`http://127.0.0.1:${admin}/metrics`)
  t.is(metrics.status, 200)
  t.regex(await metrics.text(), /^# HELP /)
  const asked = await fetch(`${issuer.url}/oauth2/token`, { method: 'POST', headers: { Origin: origin } })
  t.is(asked.headers.get('access-control-allow-origin'), origin)
  t.is(await issuer.end(), 0)
})

test('the executable serves status lists and events, to as many as its variables allow', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], {
    ...environment,
    MINTAGE_STREAM_SUBSCRIBERS: '10',
    MINTAGE_TRUSTED_PROXIES: '127.0.0.1',
  })
  t.teardown(() => issuer.end('SIGKILL'))
  const form = { grant_type: 'client_credentials' }
  const { body } = await post(`${issuer.url}/oauth2/token`, form, basic(service))
  const { status } = JSON.parse(
    Buffer.from(String(body['access_token']).split('.')[1] ?? '', 'base64url').toString(),
  )
  const uri = new URL(status.status_list.uri)
  const list = await fetch(issuer.url + uri.pathname)
  t.is(list.status, 200)
  t.is(list.headers.get('content-type'), 'application/statuslist+jwt')

  const leave = new AbortController()
  const follow = (address: string) =>
    fetch(`${issuer.url}/status-lists/events`, {
      headers: { 'X-Forwarded-For': address },
      signal: leave.signal,
    })
  // A tenth of ten.
  t.is((await follow('203.0.113.1')).status, 200)
  t.is((await follow('203.0.113.1')).status, 503)
  t.is((await follow('203.0.113.2')).status, 200)
  leave.abort()
  t.is(await issuer.end(), 0)
})
