/**
 * `npm run bench:revocation [-- --quick] [--only NAME] [--database URL] [--nodes 2]`: how long after the answer to a
 * revocation the verifiers still accept: fifty on loopback in several processes beside a real issuer, by push and by
 * polling. With two nodes one of them revokes, and the verifiers follow the other.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openInstallation } from '../../src/compose/installation.ts'
import { startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import { describeMachine } from '../machine.ts'
import { renderTable } from '../results.ts'
import { findFreePort } from '../server-process.ts'
import { percentile } from '../statistics.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    processes: { type: 'string', default: '4' },
    verifiers: { type: 'string', default: '50' },
    times: { type: 'string', default: '200' },
    only: { type: 'string' },
    database: { type: 'string' },
    nodes: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
})
const processes = Number(values.processes)
const total = Number(values.verifiers)
const times = values.quick ? 5 : Number(values.times)
const few = values.quick ? 1 : Math.min(times, 20)

const audience = 'https://api.example'
const password = 'correct horse battery staple'
const directory = mkdtempSync(join(tmpdir(), 'mintage-revocation-'))
const other = values.nodes === '2' ? await findFreePort() : undefined
const settings = {
  ...(other !== undefined && { MINTAGE_ISSUER: `http://127.0.0.1:${other}` }),
  MINTAGE_DATABASE_URL: values.database ?? `sqlite:${join(directory, 'mintage.db')}`,
  MINTAGE_STATE_DIR: directory,
  MINTAGE_KEYS_DIR: join(directory, 'keys'),
  MINTAGE_LOG_LEVEL: 'silent',
  MINTAGE_BCRYPT_COST: '4',
  MINTAGE_ADMIN_PORT: 'off',
  MINTAGE_THROTTLE: 'off',
}
const config = readConfig({ ...settings, MINTAGE_PORT: '0' })
const installation = await openInstallation(config, { onProblem: () => undefined })
const { apis, clients, users, keys } = installation.administration
await apis.create(audience, { scopes: ['orders:read'] })
const grants = ['client_credentials', 'password', 'refresh_token'] as const
const service = await clients.create('service', false, { grants: [...grants] })
await users.create('ada', { password })
const issuer = await startIssuer({ config, ...(other === undefined && { prepare: async (url) => url }) })
/** What the verifiers follow. */
const followed =
  other === undefined ? undefined : await startNode({ ...settings, MINTAGE_PORT: String(other) })

/** A second node, in a process of its own. */
async function startNode(environment: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const node = fork(fileURLToPath(new URL('./node.js', import.meta.url)), { env: environment })
  await Promise.race([
    once(node, 'message'),
    once(node, 'exit').then(() => Promise.reject(new Error('The second node did not start.'))),
  ])
  return node
}

async function post(
  path: string,
  form: Readonly<Record<string, string>>,
  secret = service.secret,
  id = 'service',
) {
  const response = await fetch(issuer.url + path, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams(form),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  const body: { access_token?: string; refresh_token?: string } = text === '' ? {} : JSON.parse(text)
  return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' }
}

const login = () => post('/oauth2/token', { grant_type: 'password', username: 'ada', password })
const watchers: readonly ChildProcess[] = Array.from({ length: processes }, () =>
  fork(fileURLToPath(new URL('./watcher.js', import.meta.url))),
)

async function askAll(message: object): Promise<readonly unknown[]> {
  return Promise.all(
    watchers.map(async (watcher) => {
      watcher.send(message)
      return (await once(watcher, 'message'))[0]
    }),
  )
}

async function setUp(revocation: 'push' | 'poll'): Promise<void> {
  const verifiers = Math.ceil(total / processes)
  await askAll({ issuer: settings.MINTAGE_ISSUER ?? issuer.url, audience, verifiers, revocation })
}

/** Milliseconds from the answer to the revocation until each verifier refused the token. */
async function measure(
  token: string,
  revoke: () => Promise<unknown>,
  pause: number,
): Promise<readonly number[]> {
  await askAll({ token, pause })
  const refusals = watchers.map((watcher) => once(watcher, 'message'))
  await revoke()
  const answeredAt = performance.timeOrigin + performance.now()
  const moments = (await Promise.all(refusals)) as [readonly number[]][]
  // Who heard of it before the answer arrived was early, not late.
  return moments.flatMap(([each]) => each.map((moment) => Math.max(moment - answeredAt, 0)))
}

interface Case {
  readonly name: string
  readonly times: number
  readonly pause: number
  readonly take: () => Promise<readonly [token: string, revoke: () => Promise<unknown>]>
}

const session = async () => {
  const { access, refresh } = await login()
  return [access, () => post('/oauth2/revoke', { token: refresh })] as const
}
const pushed: readonly Case[] = [
  { name: 'a session', times, pause: 1, take: session },
  {
    name: 'an access token of a session',
    times: few,
    pause: 1,
    async take() {
      const { access } = await login()
      return [access, () => post('/oauth2/revoke', { token: access })]
    },
  },
  {
    name: "a client's own access token",
    times: few,
    pause: 1,
    async take() {
      const { access } = await post('/oauth2/token', { grant_type: 'client_credentials' })
      return [access, () => post('/oauth2/revoke', { token: access })]
    },
  },
  {
    name: 'a disabled client',
    times: few,
    pause: 1,
    async take() {
      const id = `client-${performance.now()}`
      const { secret } = await clients.create(id, false, { grants: ['client_credentials'] })
      const { access } = await post('/oauth2/token', { grant_type: 'client_credentials' }, secret, id)
      return [access, () => clients.disable(id)]
    },
  },
  {
    name: 'keys revoke',
    times: values.quick ? 1 : 5,
    pause: 1,
    async take() {
      const { access } = await post('/oauth2/token', { grant_type: 'client_credentials' })
      const { kid }: { kid: string } = JSON.parse(
        Buffer.from(access.split('.')[0] ?? '', 'base64url').toString(),
      )
      return [access, () => keys.revoke(kid)]
    },
  },
]

const rows: string[][] = []
/** The same as numbers, for `--json`. */
const figures: { name: string; times: number; refusals: number; p50: number; p99: number; most: number }[] =
  []
async function run(how: string, each: Case): Promise<void> {
  const all: number[] = []
  for (let time = 0; time < each.times; time++) {
    const [token, revoke] = await each.take()
    all.push(...(await measure(token, revoke, each.pause)))
  }
  const [p50 = 0, p99 = 0, most = 0] = [0.5, 0.99, 1].map((share) => percentile(all, share))
  figures.push({ name: `${how}: ${each.name}`, times: each.times, refusals: all.length, p50, p99, most })
  const times = [p50, p99, most].map((figure) => figure.toFixed(1))
  rows.push([how, each.name, String(each.times), String(all.length), ...times])
  process.stderr.write(`${rows.at(-1)?.join(' | ')}\n`)
}

try {
  await setUp('push')
  for (const each of pushed) if (!values.only || each.name.includes(values.only)) await run('push', each)
  if (!values.only || 'polling'.includes(values.only)) {
    await setUp('poll')
    await run('polling, no stream', {
      name: 'a session',
      times: values.quick ? 1 : 10,
      pause: 20,
      take: session,
    })
  }
} finally {
  for (const watcher of watchers) watcher.kill()
  followed?.kill()
  await issuer.stop('end')
  await installation.close()
  rmSync(directory, { recursive: true, force: true })
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(figures))
const { processor, cores, node, load, at } = describeMachine('.')
const head = ['how', 'revoked', 'times', 'refusals', 'p50 ms', 'p99 ms', 'most ms']
process.stdout.write(
  `${at}, ${cores} × ${processor}, Node ${node}, load ${load.toFixed(2)}; ` +
    `${values.database === undefined ? 'SQLite' : 'PostgreSQL'}, ${values.nodes} node(s)\n\n` +
    `${Math.ceil(total / processes) * processes} verifiers in ${processes} processes; from the answer to the revocation ` +
    `to the refusal\n\n${renderTable(head, rows)}\n`,
)
