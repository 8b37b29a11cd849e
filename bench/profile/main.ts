/** `npm run bench:profile`: where the main thread's time of one token goes, by package and folder. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ownExecutable } from '../installation.ts'
import { renderTable } from '../results.ts'
import { type Sample, Target } from '../rounds.ts'
import { ServerProcess } from '../server-process.ts'
import { bare } from '../subjects/bare.ts'
import { mintage } from '../subjects/mintage.ts'
import { type Grant, grants, type Installed } from '../subjects/subject.ts'
import { Worker } from '../worker.ts'
import { type Breakdown, breakDown, type Share } from './breakdown.ts'
import { drawFlameGraph } from './flame-graph.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    functions: { type: 'string', default: '40' },
    out: { type: 'string', default: 'bench/results' },
  },
})
const sampler = fileURLToPath(new URL('./sampler.js', import.meta.url))
/** The same in a thousand modules, since the bundle does not tell whose code it runs. */
const modules = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const sessions = 512
const connections = 16
const warmUp = 4_000
const smallestShare = 0.004

interface Profile {
  readonly sample: Sample
  readonly breakdown: Breakdown
}

/** Warms a server up and profiles it under the load of one grant. */
async function profile(subject: Installed, grant: Grant, load: Worker): Promise<Profile> {
  const { recipe } = subject
  const path = join(directory, 'profile')
  const server = await ServerProcess.start({
    ...recipe,
    args: ['--import', sampler, ...recipe.args.map((arg) => (arg === ownExecutable ? modules : arg))],
    environment: { ...recipe.environment, BENCH_PROFILE: path },
  })
  try {
    const target = new Target(server, subject, await subject.startSessions())
    await target.measure(load, grant, connections, warmUp)
    server.signal('SIGUSR2')
    await delay(300)
    const sample = await target.measure(load, grant, connections, Number(options.seconds) * 1_000)
    server.signal('SIGUSR2')
    while (!existsSync(path)) await delay(50)
    const name = join(options.out, `${recipe.name}-${grant}`)
    copyFileSync(path, `${name}.cpuprofile`)
    const profile = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(`${name}.svg`, drawFlameGraph(profile, `${recipe.name}, ${grant}: the busy main thread`))
    return { sample, breakdown: breakDown(profile) }
  } finally {
    await server.stop()
    rmSync(path, { force: true })
  }
}

function renderShares(title: string, shares: readonly Share[], { sample, breakdown }: Profile): string {
  const rows = shares
    .filter(({ time }) => time >= breakdown.busy * smallestShare)
    .map(({ name, time }) => [
      name,
      ((time / sample.requests) * 1_000).toFixed(1),
      `${((time / breakdown.busy) * 100).toFixed(1)} %`,
    ])
  return renderTable([title, 'µs a token', 'of the busy main thread'], rows)
}

function renderProfile(result: Profile): string {
  const { sample, breakdown } = result
  return [
    `## ${sample.server}, ${sample.grant}`,
    `${sample.requests} tokens while profiled: ${sample.cpu.toFixed(3)} ms of CPU each, ` +
      `${sample.mainThread.toFixed(3)} on the main thread; sampled busy ${(breakdown.busy / sample.requests).toFixed(3)}`,
    renderShares('whose code ran', breakdown.self, result),
    renderShares('who wanted it', breakdown.onBehalf, result),
    renderShares(
      'function, with all it called',
      breakdown.functions.slice(0, Number(options.functions)),
      result,
    ),
  ].join('\n\n')
}

mkdirSync(options.out, { recursive: true })
const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
const load = Worker.start('./load/generator.js')
try {
  const place = { directory, cache: directory, sessions }
  const subjects = [await bare.install(place), await mintage.install(place)]
  for (const grant of grants) {
    for (const subject of subjects) {
      process.stdout.write(`${renderProfile(await profile(subject, grant, load))}\n\n`)
    }
  }
} finally {
  load.stop()
  rmSync(directory, { recursive: true, force: true })
}
