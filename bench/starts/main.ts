/** `npm run bench:starts`: from the spawn of a process to its first token, and what it then holds. See docs/benchmarks.md. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readCount } from '../counts.ts'
import { describeMachine, renderMachine } from '../machine.ts'
import { readResident } from '../process-usage.ts'
import { renderTable } from '../results.ts'
import { Target } from '../rounds.ts'
import { ServerProcess } from '../server-process.ts'
import { measureStart, type Start } from '../starts.ts'
import { renderSpread, spread } from '../statistics.ts'
import { bare } from '../subjects/bare.ts'
import { baselineOf, mintage } from '../subjects/mintage.ts'
import type { Installed } from '../subjects/subject.ts'
import { Worker } from '../worker.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    starts: { type: 'string' },
    baseline: { type: 'string' },
    tokens: { type: 'string' },
  },
})
const starts = readCount('--starts', options.starts) ?? (options.quick ? 3 : 25)
/** How many tokens the servers give out each, to see what that leaves behind. */
const tokens = readCount('--tokens', options.tokens) ?? (options.quick ? 1_000 : 50_000)
/** How long a server is left alone before its memory is read, in milliseconds. */
const idle = options.quick ? 200 : 2_000
/** How often memory is read on the way to the last token. */
const looks = 5
/** How long load is applied between two looks at the count of tokens, in milliseconds. */
const stretch = 1_000
const connections = 16
const megabyte = 1_000_000

interface Growth {
  readonly server: string
  /** Resident bytes, idle, after each fifth of the tokens. */
  readonly resident: readonly number[]
}

async function installAll(directory: string): Promise<readonly Installed[]> {
  const subjects = [bare, mintage, ...(options.baseline === undefined ? [] : [baselineOf(options.baseline)])]
  const installed: Installed[] = []
  for (const subject of subjects) {
    const own = join(directory, subject.name)
    mkdirSync(own)
    installed.push(await subject.install({ directory: own, cache: own, sessions: 1 }))
  }
  return installed
}

async function measureStarts(subjects: readonly Installed[]): Promise<readonly Start[]> {
  const measured: Start[] = []
  // What a first start makes or remembers is no part of the others.
  for (const subject of subjects) await measureStart(subject.recipe, 0)
  for (let round = 0; round < starts; round++) {
    // Every second round goes the other way, so that nobody always follows the same neighbour.
    const order = round % 2 === 0 ? subjects : subjects.toReversed()
    for (const subject of order) measured.push(await measureStart(subject.recipe, idle))
  }
  return measured
}

async function measureGrowth(subject: Installed): Promise<Growth> {
  const load = Worker.start('./load/generator.js')
  const server = await ServerProcess.start(subject.recipe)
  const resident: number[] = []
  try {
    const target = new Target(server, subject, [])
    for (let look = 1; look <= looks; look++) {
      while (target.tokens < (tokens * look) / looks) {
        await target.measure(load, 'client_credentials', connections, stretch)
      }
      resident.push(readResident(server.pid))
    }
    return { server: target.name, resident }
  } finally {
    load.stop()
    await server.stop()
  }
}

function renderStarts(measured: readonly Start[]): string {
  const of = (name: string) => measured.filter(({ server }) => server === name)
  const bare = of('bare')
  const rows = [...new Set(measured.map(({ server }) => server))].map((name) => {
    const own = of(name)
    return [
      name,
      renderSpread(spread(own.map(({ firstToken }) => firstToken)), 0),
      renderSpread(spread(own.map(({ cpu }) => cpu)), 0),
      // The nth start of each was in the same round.
      renderSpread(spread(own.map(({ cpu }, round) => cpu / (bare[round]?.cpu ?? Number.NaN))), 2),
      renderSpread(spread(own.map((start) => start.idle / megabyte)), 1),
    ]
  })
  return renderTable(
    ['server', 'start to first token ms', 'CPU of it ms', '× bare', 'resident idle MB'],
    rows,
  )
}

function renderGrowth(grown: readonly Growth[]): string {
  const heads = Array.from({ length: looks }, (_, index) => `${(tokens * (index + 1)) / looks} tokens`)
  const rows = grown.map(({ server, resident }) => [
    server,
    ...resident.map((bytes) => (bytes / megabyte).toFixed(1)),
  ])
  return renderTable(['resident MB after', ...heads], rows)
}

const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
try {
  const machine = describeMachine(directory)
  const installed = await installAll(directory)
  const measured = await measureStarts(installed)
  const grown: Growth[] = []
  for (const subject of installed) grown.push(await measureGrowth(subject))
  process.stdout.write(
    `${renderMachine(machine)}; ` +
      `${starts} starts each\n\n${renderStarts(measured)}\n\n${renderGrowth(grown)}\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
