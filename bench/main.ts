/** `npm run bench`: Mintage, a bare handler and one signature side by side in one run. See docs/benchmarks.md. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { type Installation, install } from './installation.ts'
import { describeMachine } from './machine.ts'
import { readResident } from './process-usage.ts'
import { type Results, type Round, render } from './results.ts'
import { grants, measureSignature, type Sample, Target } from './rounds.ts'
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
    baseline: { type: 'string' },
    out: { type: 'string', default: 'bench/results/latest.json' },
  },
})
const plan = { ...(options.quick ? plans.quick : plans.full) }
const rounds = options.rounds === undefined ? plan.rounds : Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('--rounds is a whole number from 1.')

const say = (text: string) => process.stderr.write(`${text}\n`)

async function measureStarts({ subjects }: Installation): Promise<readonly Start[]> {
  const starts: Start[] = []
  for (let count = 0; count < plan.starts; count++) {
    for (const subject of subjects) starts.push(await measureStart(subject, plan.idle))
  }
  return starts
}

async function measureLoad({ subjects }: Installation): Promise<Pick<Results, 'rounds' | 'afterLoad'>> {
  const load = Worker.start('./load/generator.js')
  const signer = Worker.start('./signature.js')
  const targets: Target[] = []
  try {
    for (const { recipe, refreshTokens } of subjects) {
      targets.push(new Target(await ServerProcess.start(recipe), refreshTokens))
    }
    say('warming up')
    await measureSignature(signer, plan.signatures)
    for (const grant of grants) for (const target of targets) await target.measure(load, grant, plan.warmUp)
    const measured: Round[] = []
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`)
      // Every second round goes the other way, so that nobody always follows the same neighbour.
      measured.push(await measureRound(signer, load, round % 2 === 0 ? targets : targets.toReversed()))
    }
    const afterLoad = targets.map(({ server, tokens }) => ({
      server: server.recipe.name,
      resident: readResident(server.pid),
      tokens,
    }))
    return { rounds: measured, afterLoad }
  } finally {
    load.stop()
    signer.stop()
    for (const { server } of targets) await server.stop()
  }
}

async function measureRound(signer: Worker, load: Worker, targets: readonly Target[]): Promise<Round> {
  const samples: Sample[] = []
  const before = await measureSignature(signer, plan.signatures / 2)
  for (const grant of grants) {
    for (const target of targets) samples.push(await target.measure(load, grant, plan.phase))
  }
  const after = await measureSignature(signer, plan.signatures / 2)
  return { signature: (before + after) / 2, samples }
}

function writeResults(results: Results, path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`)
}

async function run({ sessions }: Plan): Promise<Results> {
  say('installing')
  const installation = await install(sessions, options.baseline)
  const machine = describeMachine(installation.directory)
  try {
    say('starting and stopping')
    const starts = await measureStarts(installation)
    const load = await measureLoad(installation)
    const args = process.argv.slice(2)
    const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')
    const servers = installation.subjects.map(({ recipe }) => recipe.name)
    return { machine, command, servers, sessions, connections: 16, starts, ...load }
  } finally {
    installation.remove()
  }
}

const results = await run(plan)
writeResults(results, options.out)
process.stdout.write(`${render(results)}\n`)
say(`\nEvery round stands in ${options.out}.`)
