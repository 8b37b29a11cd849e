/** `npm run bench:herd`: what a herd of logins does to everybody else. See docs/benchmarks.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readCount } from '../counts.ts'
import { installMintage, ownExecutable, password } from '../installation.ts'
import { describeMachine, renderMachine } from '../machine.ts'
import { renderTable } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import { renderSpread, spread } from '../statistics.ts'
import { Worker } from '../worker.ts'
import { DelayReader, type LoopDelays } from './delay-reader.ts'
import type { HerdPhase, HerdResult } from './phase.ts'

const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '32' },
    cost: { type: 'string', default: '12' },
    threads: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
  },
})
const herd = readCount('--clients', options.clients)
const rounds = readCount('--rounds', options.rounds)
const milliseconds = readCount('--seconds', options.seconds) * 1_000
const say = (text: string) => process.stderr.write(`${text}\n`)

/** What one phase showed: what the probes saw, and how late the server's event loop was, in milliseconds. */
interface Sample extends Omit<HerdResult, 'refreshToken'>, LoopDelays {
  readonly clients: number
}

async function run(directory: string): Promise<readonly Sample[]> {
  const { recipe, refreshTokens } = await installMintage('mintage', ownExecutable, directory, 1)
  const delays = new DelayReader(join(directory, 'delays'))
  const environment = {
    ...recipe.environment,
    MINTAGE_BCRYPT_COST: options.cost,
    MINTAGE_HASH_THREADS: options.threads,
    // Nobody is to be kept out: what is measured is what a login costs the others.
    MINTAGE_THROTTLE: 'off',
  }
  const server = await ServerProcess.start(delays.probe({ ...recipe, environment }))
  const load = Worker.start('./herd/generator.js')
  let [refreshToken = ''] = refreshTokens
  const samples: Sample[] = []
  try {
    // The logins that are under way when the time is over are waited for, and do not count.
    const readDelays = async (life: number) => {
      await delay(life)
      server.signal('SIGUSR2')
      return delays.next()
    }
    const measure = async (clients: number, life: number) => {
      const { port, authorization } = recipe
      const phase: HerdPhase = { port, authorization, password, clients, refreshToken, milliseconds: life }
      server.signal('SIGUSR2')
      await delays.next()
      const [whole, late] = await Promise.all([load.ask<HerdResult>(phase), readDelays(life)])
      const { refreshToken: successor, ...result } = whole
      refreshToken = successor
      return { clients, ...result, ...late }
    }
    say('warming up')
    await measure(herd, 2_000)
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`)
      const order = round % 2 === 0 ? [0, herd] : [herd, 0]
      for (const clients of order) samples.push(await measure(clients, milliseconds))
    }
    return samples
  } finally {
    load.stop()
    await server.stop()
  }
}

function render(samples: readonly Sample[]): string {
  const rows = [0, herd].map((clients) => {
    const own = samples.filter((sample) => sample.clients === clients)
    const over = (value: (sample: Sample) => number, digits = 1) =>
      renderSpread(spread(own.map(value)), digits)
    return [
      clients === 0 ? 'nobody logs in' : `${clients} clients log in`,
      over((sample) => sample.jwks.p50, 2),
      over((sample) => sample.jwks.p99),
      over((sample) => sample.refresh.p50, 2),
      over((sample) => sample.refresh.p99),
      over((sample) => sample.loopP50, 2),
      over((sample) => sample.loopP99),
      over((sample) => sample.loopMax),
      over((sample) => sample.logins / (sample.milliseconds / 1_000)),
    ]
  })
  return renderTable(
    [
      '',
      'JWKS p50',
      'JWKS p99',
      'refresh p50',
      'refresh p99',
      'loop p50',
      'loop p99',
      'loop max',
      'logins/s',
    ],
    rows,
  )
}

const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
try {
  const machine = describeMachine(directory)
  say('installing')
  const samples = await run(directory)
  const probes = samples.reduce((sum, { jwks, refresh }) => sum + jwks.count + refresh.count, 0)
  process.stdout.write(
    `${renderMachine(machine)}\n` +
      `${herd} clients, bcrypt cost ${options.cost}, ${options.threads} hashing threads, ` +
      `${rounds} rounds of ${options.seconds} s each way, ${probes} probes; ` +
      `milliseconds, median (least–most) of the rounds\n\n${render(samples)}\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
