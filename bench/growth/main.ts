/** `npm run bench:growth`: what a thousand, a million and ten million sessions cost a refresh. See docs/benchmarks.md. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ownExecutable } from '../installation.ts'
import { describeMachine } from '../machine.ts'
import { Load } from './load.ts'
import { measureRefreshes, measureStarts } from './refreshes.ts'
import { renderFillings, renderRefreshes, renderStarts } from './tables.ts'
import { World } from './world.ts'

/** How much is measured. Times are milliseconds. */
const plans = {
  full: {
    sizes: [1_000, 1_000_000, 10_000_000],
    starts: 5,
    rounds: 7,
    phase: 3_000,
    warmUp: 3_000,
    drawn: 24_000,
  },
  quick: { sizes: [1_000, 20_000], starts: 1, rounds: 1, phase: 500, warmUp: 300, drawn: 2_000 },
} as const

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    keep: { type: 'string' },
    rounds: { type: 'string' },
    sizes: { type: 'string' },
    executable: { type: 'string', default: ownExecutable },
    out: { type: 'string', default: 'bench/results/growth.json' },
  },
})
const chosen = options.quick ? plans.quick : plans.full
const plan = {
  ...chosen,
  ...(options.rounds !== undefined && { rounds: Number(options.rounds) }),
  sizes: options.sizes?.split(',').map(Number) ?? chosen.sizes,
}
if (![plan.rounds, ...plan.sizes].every((each) => Number.isInteger(each) && each > 0)) {
  throw new RangeError('--rounds is a whole number from 1, and --sizes a list of them.')
}

const say = (text: string) => process.stderr.write(`${text}\n`)
const print = (title: string, table: string) => process.stdout.write(`\n${title}\n\n${table}\n`)

async function run(directory: string): Promise<object> {
  const executable = resolve(options.executable)
  const machine = describeMachine(directory)
  const worlds: World[] = []
  for (const size of plan.sizes) {
    say(`making ${size} sessions, or taking those that are kept`)
    worlds.push(await World.open(join(directory, `sessions-${size}`), size, executable, 0))
  }
  print('What a session takes', renderFillings(worlds))
  say('starting and stopping')
  const starts = await measureStarts(worlds, plan.starts)
  print('Starts', renderStarts(starts))
  const load = new Load()
  try {
    const refreshes = await measureRefreshes(worlds, load, plan, say)
    print('Refreshes', renderRefreshes(refreshes))
    return {
      machine,
      plan,
      fillings: worlds.map(({ sessions, filled }) => ({ sessions, ...filled })),
      starts,
      refreshes,
    }
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
