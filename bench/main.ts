/** `npm run bench`: Mintage, a bare handler and one signature side by side in one run. See docs/benchmarks.md. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { type Installation, install } from './installation.ts'
import { describeMachine } from './machine.ts'
import { readResident } from './process-usage.ts'
import { grants, type Results, type Round, render, type ServerName, servers } from './results.ts'
import { measureSignature, type Sample, Target } from './rounds.ts'
import { ServerProcess } from './server-process.ts'
import { measureStart, type Start } from './starts.ts'
import { Worker } from './worker.ts'

/** How much is measured. Times are milliseconds. */
const plans = {
  full: {
    sessions: 1_024,
    rounds: 7,
    phase: 3_000,
    signatures: 4_000,
    warmUp: 4_000,
    starts: 12,
    idle: 1_000,
  },
  quick: { sessions: 64, rounds: 2, phase: 500, signatures: 400, warmUp: 300, starts: 2, idle: 100 },
} as const
type Plan = (typeof plans)[keyof typeof plans]

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    out: { type: 'string', default: 'bench/results/latest.json' },
  },
})
const plan = { ...(options.quick ? plans.quick : plans.full) }
const rounds = options.rounds === undefined ? plan.rounds : Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('--rounds is a whole number from 1.')

const say = (text: string) => process.stderr.write(`${text}\n`)

async function measureStarts(installation: Installation): Promise<Results['starts']> {
  const starts: Record<ServerName, Start[]> = { bare: [], mintage: [] }
  for (let count = 0; count < plan.starts; count++) {
    for (const server of servers) starts[server].push(await measureStart(installation[server], plan.idle))
  }
  return starts
}

async function measureLoad(installation: Installation): Promise<Pick<Results, 'rounds' | 'afterLoad'>> {
  const workers = { load: Worker.start('./load/generator.js'), signer: Worker.start('./signature.js') }
  const running: ServerProcess[] = []
  const start = async (name: ServerName) => {
    const server = await ServerProcess.start(installation[name].recipe)
    running.push(server)
    return new Target(server, installation[name].refreshTokens)
  }
  try {
    const targets = { bare: await start('bare'), mintage: await start('mintage') }
    const tokens = { bare: 0, mintage: 0 }
    const measure = async (name: ServerName, grant: (typeof grants)[number], milliseconds: number) => {
      const sample = await targets[name].measure(workers.load, grant, milliseconds)
      tokens[name] += sample.requests
      return sample
    }
    say('warming up')
    await measureSignature(workers.signer, plan.signatures)
    for (const grant of grants) for (const name of servers) await measure(name, grant, plan.warmUp)
    const measured: Round[] = []
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`)
      measured.push(await measureRound(workers.signer, measure, round % 2 === 1))
    }
    const resident = (name: ServerName) => readResident(targets[name].server.pid)
    return {
      rounds: measured,
      afterLoad: {
        bare: { resident: resident('bare'), tokens: tokens.bare },
        mintage: { resident: resident('mintage'), tokens: tokens.mintage },
      },
    }
  } finally {
    workers.load.stop()
    workers.signer.stop()
    for (const server of running) await server.stop()
  }
}

/** Every second round goes the other way, so that nobody always follows the same neighbour. */
async function measureRound(
  signer: Worker,
  measure: (name: ServerName, grant: (typeof grants)[number], milliseconds: number) => Promise<Sample>,
  backwards: boolean,
): Promise<Round> {
  const order = backwards ? servers.toReversed() : servers
  const samples = { bare: {}, mintage: {} } as Record<ServerName, Round['samples'][ServerName]>
  const signatures = [await measureSignature(signer, plan.signatures / 2)]
  for (const grant of grants) {
    for (const name of order) {
      samples[name] = { ...samples[name], [grant]: await measure(name, grant, plan.phase) }
    }
  }
  signatures.push(await measureSignature(signer, plan.signatures / 2))
  return { signature: signatures.reduce((sum, each) => sum + each, 0) / signatures.length, samples }
}

function writeResults(results: Results, path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`)
}

async function run({ sessions }: Plan): Promise<Results> {
  say('installing')
  const installation = await install(sessions)
  const machine = describeMachine(installation.directory)
  try {
    say('starting and stopping')
    const starts = await measureStarts(installation)
    const load = await measureLoad(installation)
    const args = process.argv.slice(2)
    const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')
    return { machine, command, sessions, connections: 16, starts, ...load }
  } finally {
    installation.remove()
  }
}

const results = await run(plan)
writeResults(results, options.out)
process.stdout.write(`${render(results)}\n`)
say(`\nEvery round stands in ${options.out}.`)
