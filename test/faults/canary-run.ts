import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openInstallation } from '../../src/compose/installation.ts'
import { readConfig } from '../../src/config.ts'
import { runMintage, runMintageBatch, startChildIssuer } from '../support/child-issuer.ts'
import { password } from '../support/in-process-issuer.ts'
import { registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, type OAuthAnswer, post, read, toPair } from '../support/oauth.ts'
import { exchange } from '../support/raw-http.ts'

type Fields = Readonly<Record<string, string>>

/** How many secrets were sent, how often each place was written to, and which secret was found where. */
export interface CanaryFigures {
  readonly canaries: number
  readonly requests: number
  readonly commands: number
  /** How much was searched, in characters, by place. */
  readonly searched: Readonly<Record<string, number>>
  /** Must be empty. */
  readonly found: readonly string[]
}

const oauthPaths = ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke']
const otherPaths = [
  '/.well-known/jwks.json',
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
  '/status-lists/1',
  '/status-lists/events',
  '/livez',
  '/readyz',
  '/metrics',
  '/api/token/',
  '/nowhere',
]
const headerNames = [
  'Authorization',
  'Cookie',
  'Idempotency-Key',
  'If-None-Match',
  'Origin',
  'Referer',
  'User-Agent',
].concat(['Forwarded', 'X-Forwarded-For', 'traceparent', 'tracestate', 'Last-Event-ID', 'X-Api-Key'])

/** Every command in which somebody may write a secret where none belongs. */
const commands = (secret: () => string): readonly (readonly string[])[] => [
  ['user', 'create', 'eve', '--password', secret()],
  ['user', 'create', 'eve', `--password=${secret()}`],
  ['user', 'set-password', 'ada', `--password=${secret()}`],
  ['user', 'set-password', 'ada', '--password', secret()],
  ['client', 'create', '--id', 'own', '--grant', 'client_credentials', `--secret=${secret()}`],
  ['client', 'rotate-secret', 'service', `--secret=${secret()}`],
  ['keys', 'revoke', 'nothing', `--key=${secret()}`],
  ['session', 'list', `--token=${secret()}`],
  ['api', 'list', `--token=${secret()}`],
]

/** Commands that look at everything, after everything has been sent. */
const looks: readonly (readonly string[])[] = [
  ['client', 'list', '--json'],
  ['client', 'get', 'service', '--json'],
  ['user', 'list', '--json'],
  ['user', 'get', 'ada', '--json'],
  ['user', 'export'],
  ['api', 'list', '--json'],
  ['session', 'list', '--json'],
  ['keys', 'list', '--json'],
  ['keys', 'export', '--pem'],
  ['config', 'print'],
  ['config', 'check'],
  ['doctor'],
  ['audit', 'tail', '--json'],
  ['audit', 'export'],
  ['migrate'],
]

/**
 * Sends secrets through every endpoint and command, in right and wrong places, `rounds` times, at the log level
 * trace; then looks for them in whatever was written. `directory` is empty and the caller's.
 */
export async function sendCanaries(directory: string, rounds: number): Promise<CanaryFigures> {
  const environment = {
    ...serveEnvironment(directory),
    MINTAGE_LOG_LEVEL: 'trace',
    MINTAGE_ADMIN_PORT: '0',
    MINTAGE_CORS_ORIGINS: 'https://app.example',
  }
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  const client = basic(service)
  const canaries = new Set([service.secret, password, client.Authorization.slice('Basic '.length)])
  const errors: string[] = []
  const said: string[] = []
  let made = 0
  let requests = 0
  /** A secret that is told nobody but the server. */
  const canary = () => {
    const secret = `canary-${++made}-${'q'.repeat(20)}`
    canaries.add(secret)
    return secret
  }
  const credentials = (id: string, secret: string) => {
    const header = basic({ id, secret })
    canaries.add(header.Authorization.slice('Basic '.length))
    return header
  }
  const note = (answer: OAuthAnswer) => {
    requests++
    for (const name of ['access_token', 'refresh_token']) {
      const token = answer.body[name]
      if (typeof token === 'string') canaries.add(token)
    }
    if (typeof answer.body['access_token'] !== 'string') errors.push(answer.text)
    errors.push(JSON.stringify([...answer.headers]))
    return answer
  }
  const send = async (path: string, form: Fields, headers: Fields = client) =>
    note(await post(issuer.url + path, form, headers))
  const get = async (path: string, init: RequestInit) => {
    const response = await fetch(issuer.url + path, init)
    // A stream has no end to wait for; its head is what there is of an answer.
    if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
      return note(await read(response))
    await response.body?.cancel()
    return note({ status: response.status, headers: response.headers, body: {}, text: '' })
  }
  const raw = async (text: string) => {
    requests++
    errors.push(await exchange(issuer.url, text))
  }

  const login = { grant_type: 'password', username: 'ada', password }
  for (let round = 0; round < rounds; round++) {
    const pair = toPair(await send('/oauth2/token', login))
    const next = toPair(
      await send('/oauth2/token', { grant_type: 'refresh_token', refresh_token: pair.refresh_token }),
    )
    await send('/oauth2/token', { grant_type: 'client_credentials' })
    const inBody = { client_id: service.id, client_secret: service.secret }
    await send('/oauth2/token', { grant_type: 'client_credentials', ...inBody }, {})
    for (const path of oauthPaths) {
      for (const headers of [
        client,
        credentials(service.id, canary()),
        credentials(canary(), canary()),
        { Authorization: `Bearer ${canary()}` },
        { Authorization: `Basic ${canary()}` },
        { Authorization: `Basic ${Buffer.from(`service:%zz${canary()}`).toString('base64')}` },
        { 'X-Request-Id': canary().repeat(4), 'Idempotency-Key': canary() },
      ]) {
        await send(path, { ...login, username: canary(), password: canary() }, headers)
        await send(path, { ...login, password: canary() }, headers)
        await send(path, { grant_type: 'refresh_token', refresh_token: `mrt_${canary()}` }, headers)
        await send(path, { grant_type: canary(), scope: canary(), resource: canary() }, headers)
        await send(path, { token: canary(), token_type_hint: canary() }, headers)
        await send(path, { client_id: service.id, client_secret: canary(), code: canary() }, headers)
        await send(`${path}?client_secret=${canary()}&password=${canary()}`, login, headers)
      }
      await get(path, { method: 'POST', body: canary(), headers: client })
      await get(path, { method: 'POST', body: JSON.stringify({ password: canary() }), headers: client })
      await get(`${path}/${canary()}?token=${canary()}`, { headers: client })
      const form = { ...client, 'Content-Type': 'application/x-www-form-urlencoded' }
      for (const body of [
        `${canary()}=%zz`,
        `a[${canary()}]=1`,
        `token=%ff${canary()}`,
        `token=${canary()}&token=${canary()}`,
        `token=${canary().repeat(3_000)}`,
      ]) {
        await get(path, { method: 'POST', body, headers: form })
      }
      for (const coding of ['gzip', 'br', canary()]) {
        const headers = { ...form, 'Content-Encoding': coding }
        await get(path, { method: 'POST', body: canary(), headers })
      }
      const head = `POST ${path} HTTP/1.1\r\nHost: issuer\r\n`
      await raw(`POST ${path} HTTP/1.1\r\nBroken ${canary()}\r\n\r\n`)
      await raw(`${head}Transfer-Encoding: chunked\r\n\r\nzz${canary()}\r\n`)
      await raw(`${head}Authorization: ${canary().repeat(700)}\r\n\r\n`)
      await raw(`${canary()} ${path}?${canary()} HTTP/1.1\r\n\r\n`)
    }
    for (const path of [...oauthPaths, ...otherPaths]) {
      for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
        const headers = Object.fromEntries(headerNames.map((name) => [name, canary()]))
        await get(`${path}?access_token=${canary()}&refresh_token=${canary()}`, { method, headers })
      }
      await get(`${path}/${canary()}`, {})
      await raw(`GET ${path} HTTP/1.1\r\nX: ${canary()}\0\r\n\r\n`)
    }
    // A reused token is the loudest event there is.
    await send('/oauth2/token', { grant_type: 'refresh_token', refresh_token: next.refresh_token })
    const reused = { grant_type: 'refresh_token', refresh_token: pair.refresh_token, scope: canary() }
    await send('/oauth2/token', reused)
    await send('/oauth2/token', { grant_type: 'refresh_token', refresh_token: pair.refresh_token })
    await send('/oauth2/revoke', { token: pair.access_token })
    await send('/oauth2/revoke', { token: next.refresh_token })
  }

  for (const stdin of [canary(), `${canary()}\u0000${canary()}`, canary().repeat(200), 'short']) {
    const { stdout, stderr } = await runMintage(['user', 'set-password', 'ada'], environment, stdin)
    said.push(stdout, stderr)
  }
  const url = { ...environment, MINTAGE_DATABASE_URL: `postgress://mintage:${canary()}@db.internal/x` }
  for (const { stdout, stderr } of [
    ...(await runMintageBatch([['config', 'check'], ['serve'], ['client', 'list']], url)),
    ...(await runMintageBatch(commands(canary), environment)),
    ...(await runMintageBatch(looks, environment)),
  ]) {
    said.push(stdout, stderr)
  }
  const told =
    issuer
      .stdout()
      .split('\n')
      .find((line) => line.includes('"admin.listening"')) ?? '{}'
  const metrics = await (await fetch(`${JSON.parse(told).url}/metrics`)).text()
  if ((await issuer.end()) !== 0) throw new Error(`The server did not end well: ${issuer.output()}`)

  const places: Readonly<Record<string, string>> = {
    log: issuer.output(),
    metrics,
    audit: await readAudit(environment),
    answers: errors.join('\n'),
    commands: said.join('\n'),
    database: readdirSync(directory)
      .filter((file) => file.startsWith('mintage.db'))
      .map((file) => readFileSync(join(directory, file), 'latin1'))
      .join('\n'),
  }
  const found = [...canaries].flatMap((secret) =>
    Object.entries(places)
      .filter(([, text]) => text.includes(secret))
      .map(([place, text]) => `${secret} in ${place}: ${around(text, secret)}`),
  )
  const searched = Object.fromEntries(Object.entries(places).map(([place, text]) => [place, text.length]))
  return { canaries: canaries.size, requests, commands: said.length / 2, searched, found }
}

async function readAudit(environment: Fields): Promise<string> {
  const installation = await openInstallation(readConfig(environment), { onProblem: () => undefined })
  try {
    return JSON.stringify(await installation.store.audit.tail(1_000_000))
  } finally {
    await installation.close()
  }
}

function around(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return JSON.stringify(text.slice(Math.max(0, at - 100), at + secret.length + 20))
}
