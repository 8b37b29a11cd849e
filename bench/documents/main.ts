/**
 * `npm run bench:documents`: the published documents and introspection against `node:http` answering the same bytes.
 * See docs/benchmarks.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readCount } from '../counts.ts'
import { installMintage, type MintageRecipe, ownExecutable } from '../installation.ts'
import type { Stretch } from '../load/stretch.ts'
import { describeMachine, renderMachine } from '../machine.ts'
import { readCpuTime } from '../process-usage.ts'
import { renderTable } from '../results.ts'
import { findFreePort, ServerProcess } from '../server-process.ts'
import { renderSpread, spread } from '../statistics.ts'
import { Worker } from '../worker.ts'
import type { DocumentAnswer, DocumentRequest } from './phase.ts'

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
})
const plan = options.quick
  ? { rounds: 2, phase: 250, warmUp: 250 }
  : { rounds: 7, phase: 1_500, warmUp: 2_000 }
const rounds = readCount('--rounds', options.rounds) ?? plan.rounds
const connections = 16
const say = (text: string) => process.stderr.write(`${text}\n`)

/** What one phase showed; CPU of the server per request, in milliseconds. */
interface Sample extends Stretch {
  readonly cpu: number
}

interface Pair {
  readonly bare: Sample
  readonly mintage: Sample
}

async function post({ port, authorization }: MintageRecipe, path: string, form: Record<string, string>) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { Authorization: authorization },
    body: new URLSearchParams(form),
  })
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}.`)
  return (await response.json()) as Readonly<Record<string, string>>
}

/** What is asked for; the tokens live as long as the benchmark takes. */
async function chooseRequests(
  recipe: MintageRecipe,
  refreshToken: string,
): Promise<readonly DocumentRequest[]> {
  const own = await post(recipe, '/oauth2/token', { grant_type: 'client_credentials' })
  const pair = await post(recipe, '/oauth2/token', {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
  })
  const lists = await fetch(`http://127.0.0.1:${recipe.port}/status-lists`)
  const { status_lists: uris } = (await lists.json()) as { readonly status_lists: readonly string[] }
  const get = (name: string, key: string): DocumentRequest => ({ name, key, method: 'GET' })
  const introspect = (name: string, token = ''): DocumentRequest => ({
    name: `introspection, ${name}`,
    key: `token=${token}`,
    method: 'POST',
  })
  return [
    get('JWKS', '/.well-known/jwks.json'),
    get('metadata', '/.well-known/oauth-authorization-server'),
    get('status list', new URL(uris[0] ?? '').pathname),
    introspect("a client's token", own['access_token']),
    introspect("a session's token", pair['access_token']),
    introspect('a refresh token', pair['refresh_token']),
  ]
}

/** One answer, without what the connection adds by itself. */
async function fetchAnswer(recipe: MintageRecipe, request: DocumentRequest): Promise<DocumentAnswer> {
  const base = `http://127.0.0.1:${recipe.port}`
  const response = await (request.method === 'GET'
    ? fetch(base + request.key)
    : fetch(`${base}/oauth2/introspect`, {
        method: 'POST',
        headers: {
          Authorization: recipe.authorization,
          'Content-Type': 'application/x-www-form-urlencoded',
        },
        body: request.key,
      }))
  const own = [...response.headers].filter(([name]) => !['connection', 'date', 'keep-alive'].includes(name))
  return { status: response.status, headers: Object.fromEntries(own), body: await response.text() }
}

async function measure(
  server: ServerProcess<MintageRecipe>,
  load: Worker,
  request: DocumentRequest,
  body: string,
  milliseconds: number,
): Promise<Sample> {
  const { port, authorization } = server.recipe
  const before = readCpuTime(server.pid).total
  const result = await load.ask<Stretch>(
    { port, authorization, request, body, connections, milliseconds },
    server.recipe.name,
  )
  const after = readCpuTime(server.pid).total
  return { ...result, cpu: (after - before) / result.requests }
}

async function run(directory: string): Promise<ReadonlyMap<string, readonly Pair[]>> {
  const { recipe, refreshTokens } = await installMintage('mintage', ownExecutable, directory, 1)
  const servers = [await ServerProcess.start(recipe)]
  const load = Worker.start('./documents/generator.js')
  try {
    const requests = await chooseRequests(recipe, refreshTokens[0] ?? '')
    const answers = new Map<string, DocumentAnswer>()
    for (const request of requests) answers.set(request.key, await fetchAnswer(recipe, request))
    const file = join(directory, 'answers.json')
    writeFileSync(file, JSON.stringify(Object.fromEntries(answers)))
    const port = await findFreePort()
    const args = [fileURLToPath(new URL('./bare.js', import.meta.url)), String(port), file]
    servers.push(await ServerProcess.start({ ...recipe, name: 'bare', args, environment: {}, port }))
    const ask = (server: ServerProcess<MintageRecipe>, request: DocumentRequest, milliseconds: number) =>
      measure(server, load, request, answers.get(request.key)?.body ?? '', milliseconds)
    say('warming up')
    for (const request of requests) for (const server of servers) await ask(server, request, plan.warmUp)
    const pairs = new Map<string, Pair[]>(requests.map(({ name }) => [name, []]))
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`)
      for (const request of requests) {
        const samples: Partial<Record<string, Sample>> = {}
        for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
          samples[server.recipe.name] = await ask(server, request, plan.phase)
        }
        const { bare, mintage } = samples
        if (bare && mintage) pairs.get(request.name)?.push({ bare, mintage })
      }
    }
    return pairs
  } finally {
    load.stop()
    for (const server of servers) await server.stop()
  }
}

function render(pairs: ReadonlyMap<string, readonly Pair[]>): string {
  const rows = [...pairs].map(([name, own]) => {
    const over = (digits: number, value: (pair: Pair) => number) =>
      renderSpread(spread(own.map(value)), digits)
    const perSecond = ({ requests, milliseconds }: Sample) => (requests / milliseconds) * 1_000
    return [
      name,
      over(3, ({ bare }) => bare.cpu),
      over(3, ({ mintage }) => mintage.cpu),
      over(2, ({ bare, mintage }) => mintage.cpu / bare.cpu),
      over(0, ({ bare }) => perSecond(bare)),
      over(0, ({ mintage }) => perSecond(mintage)),
      over(2, ({ bare, mintage }) => perSecond(mintage) / perSecond(bare)),
      over(1, ({ mintage }) => mintage.p50),
      over(1, ({ mintage }) => mintage.p99),
    ]
  })
  return renderTable(
    ['', 'bare: CPU ms', 'CPU ms', '× bare', 'bare: per s', 'per s', 'of bare', 'p50 ms', 'p99 ms'],
    rows,
  )
}

const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
try {
  const machine = describeMachine(directory)
  say('installing')
  const pairs = await run(directory)
  process.stdout.write(
    `${renderMachine(machine)}\n` +
      `${rounds} rounds, ${connections} connections; median (least–most)\n\n${render(pairs)}\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
