/** `npm run bench:growth`: what a thousand, a million and ten million sessions cost a refresh. See docs/benchmarks.md. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readCount } from '../counts.ts'
import { ownExecutable } from '../installation.ts'
import { describeMachine } from '../machine.ts'
import { measureCleanup } from './cleanup.ts'
import { Load } from './load.ts'
import { measureRefreshes, measureStarts } from './refreshes.ts'
import { measureApis, measureClients, registerApis, registerClients } from './registrations.ts'
import {
  renderCleanup,
  renderClients,
  renderFillings,
  renderRefreshes,
  renderRegistrations,
  renderStarts,
} from './tables.ts'
import { World } from './world.ts'

/** How much is measured. Times are milliseconds, but for the seconds that a clean-up may take. */
const plans = {
  full: {
    sizes: [1_000, 1_000_000, 10_000_000],
    starts: 5,
    rounds: 7,
    phase: 3_000,
    warmUp: 3_000,
    drawn: 24_000,
    clients: 10_000,
    apis: 1_000,
    expired: 1_000_000,
    live: 100_000,
    seconds: 1_200,
  },
  quick: {
    sizes: [1_000, 20_000],
    starts: 1,
    rounds: 1,
    phase: 300,
    warmUp: 300,
    drawn: 2_000,
    clients: 100,
    apis: 100,
    expired: 0,
    live: 0,
    seconds: 0,
  },
} as const

/** What can be measured by itself. */
const sections = ['sessions', 'clients', 'apis', 'cleanup'] as const
type Section = (typeof sections)[number]

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    keep: { type: 'string' },
    rounds: { type: 'string' },
    sizes: { type: 'string' },
    only: { type: 'string', multiple: true },
    expired: { type: 'string' },
    executable: { type: 'string', default: ownExecutable },
    out: { type: 'string', default: 'bench/results/growth.json' },
  },
})
const chosen = options.quick ? plans.quick : plans.full
const plan = {
  ...chosen,
  rounds: readCount('--rounds', options.rounds) ?? chosen.rounds,
  ...(options.expired !== undefined && { expired: Number(options.expired), live: 20_000 }),
  sizes: options.sizes?.split(',').map((size) => readCount('--sizes', size)) ?? chosen.sizes,
}

const say = (text: string) => process.stderr.write(`${text}\n`)
const print = (title: string, table: string) => process.stdout.write(`\n${title}\n\n${table}\n`)

const executable = resolve(options.executable)

async function measureSessions(directory: string, load: Load): Promise<object> {
  const worlds: World[] = []
  for (const size of plan.sizes) {
    say(`making ${size} sessions, or taking those that are kept`)
    worlds.push(await World.open(join(directory, `sessions-${size}`), size, executable))
  }
  print('What a session takes', renderFillings(worlds))
  say('starting and stopping')
  const starts = await measureStarts(worlds, plan.starts)
  print('Starts', renderStarts(starts))
  const refreshes = await measureRefreshes(worlds, load, plan, say)
  print('Refreshes', renderRefreshes(refreshes))
  return { fillings: worlds.map(({ sessions, filled }) => ({ sessions, ...filled })), starts, refreshes }
}

async function measureManyClients(directory: string, load: Load): Promise<object> {
  say(`registering ${plan.clients} clients`)
  const world = await World.make(join(directory, 'clients'), 1_000, executable)
  const lines = await registerClients(world, plan.clients)
  say('asking for their tokens')
  const clients = await measureClients(world, lines, load, plan)
  print('Clients', renderClients(clients, plan.clients))
  return clients
}

async function measureManyApis(directory: string, load: Load): Promise<object> {
  say(`registering ${plan.apis} APIs`)
  const worlds: { readonly world: World; readonly apis: number }[] = []
  for (const apis of [1, plan.apis]) {
    const world = await World.make(join(directory, `apis-${apis}`), 1_000, executable)
    await registerApis(world, apis)
    worlds.push({ world, apis })
  }
  say('asking for their tokens')
  const rounds = await measureApis(worlds, load, plan)
  print('APIs', renderRegistrations('APIs', rounds))
  return rounds
}

async function measureExpiry(directory: string, load: Load): Promise<object> {
  if (plan.expired === 0) return []
  say(`making ${plan.expired} expired sessions`)
  const all = plan.expired + plan.live
  const world = await World.make(join(directory, 'expired'), all, executable, plan.expired)
  const samples = await measureCleanup(world, load, plan, say)
  print('Clean-up', renderCleanup(samples, all))
  return samples
}

const measure: Readonly<Record<Section, (directory: string, load: Load) => Promise<object>>> = {
  sessions: measureSessions,
  clients: measureManyClients,
  apis: measureManyApis,
  cleanup: measureExpiry,
}
const chosenSections = sections.filter((section) => options.only?.includes(section) ?? true)

async function run(directory: string): Promise<object> {
  const results: Record<string, object> = { machine: describeMachine(directory), plan }
  const load = new Load()
  try {
    for (const section of chosenSections) results[section] = await measure[section](directory, load)
    return results
  } finally {
    load.stop()
  }
}

const directory =
  options.keep === undefined ? mkdtempSync(join(tmpdir(), 'mintage-growth-')) : resolve(options.keep)
mkdirSync(directory, { recursive: true, mode: 0o700 })
try {
  const results = await run(directory)
  mkdirSync(dirname(options.out), { recursive: true })
  writeFileSync(options.out, `${JSON.stringify(results, null, 2)}\n`)
  say(`\nEvery round stands in ${options.out}.`)
} finally {
  if (options.keep === undefined) rmSync(directory, { recursive: true, force: true })
}
