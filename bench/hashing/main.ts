/** `npm run bench:hashing`: logins through the server against the hashing workers alone. See docs/benchmarks.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readCount } from '../counts.ts'
import { DelayReader, type LoopDelays } from '../herd/delay-reader.ts'
import { installMintage, ownExecutable, password } from '../installation.ts'
import { Connection, renderHead } from '../load/connection.ts'
import { describeMachine, renderMachine } from '../machine.ts'
import { readCpuTime, readResident } from '../process-usage.ts'
import { renderTable } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import { renderSpread, spread } from '../statistics.ts'
import { Worker } from '../worker.ts'
import { type HashingResult, runClients } from './phase.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    clients: { type: 'string', default: '8' },
    cost: { type: 'string' },
    threads: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
  },
})
const clients = readCount('--clients', options.clients)
const threads = readCount('--threads', options.threads)
const cost = readCount('--cost', options.cost ?? (options.quick ? '8' : '12'))
const rounds = readCount('--rounds', options.rounds ?? (options.quick ? '2' : '5'))
const milliseconds = readCount('--seconds', options.seconds ?? (options.quick ? '1' : '15')) * 1_000
const megabyte = 1_000_000
const say = (text: string) => process.stderr.write(`${text}\n`)

/** CPU of one check, in milliseconds. */
interface Measured extends HashingResult {
  readonly cpu: number
}

interface Round extends LoopDelays {
  readonly alone: Measured
  readonly served: Measured
  /** Of the server at the end of its phase, in bytes. */
  readonly resident: number
}

async function withCpu(pid: number, work: () => Promise<HashingResult>): Promise<Measured> {
  const before = readCpuTime(pid).total
  const result = await work()
  return { ...result, cpu: (readCpuTime(pid).total - before) / result.checked }
}

async function run(directory: string): Promise<readonly Round[]> {
  const { recipe } = await installMintage('mintage', ownExecutable, directory, 0)
  const delays = new DelayReader(join(directory, 'delays'))
  const environment = {
    ...recipe.environment,
    MINTAGE_BCRYPT_COST: String(cost),
    MINTAGE_HASH_THREADS: String(threads),
    // Nobody is to be turned away: what is measured is how many get through.
    MINTAGE_HASH_WAIT: '1m',
  }
  const server = await ServerProcess.start(delays.probe({ ...recipe, environment }))
  const workers = Worker.start('./hashing/alone.js')
  const head = renderHead(recipe.port, recipe.authorization)
  const form = `grant_type=password&username=ada&password=${encodeURIComponent(password)}`

  const measureAlone = (life: number) =>
    withCpu(workers.pid, () => workers.ask<HashingResult>({ cost, threads, clients, milliseconds: life }))

  async function measureServer(life: number) {
    const open = await Promise.all(Array.from({ length: clients }, () => Connection.open(recipe.port)))
    server.signal('SIGUSR2')
    await delays.next()
    const served = await withCpu(server.pid, () =>
      runClients(clients, life, async (client) => {
        const answer = await open[client]?.post(head, form)
        if (answer?.status !== 200) throw new Error(`A login was refused: ${answer?.status} ${answer?.body}`)
      }),
    )
    for (const connection of open) connection.close()
    server.signal('SIGUSR2')
    return { served, resident: readResident(server.pid), ...(await delays.next()) }
  }

  try {
    say('warming up')
    // The first login brings the hash, made at a lower cost, up to this one.
    await measureServer(1_000)
    await measureAlone(1_000)
    const measured: Round[] = []
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`)
      if (round % 2 === 0) {
        const alone = await measureAlone(milliseconds)
        measured.push({ alone, ...(await measureServer(milliseconds)) })
      } else {
        const through = await measureServer(milliseconds)
        measured.push({ alone: await measureAlone(milliseconds), ...through })
      }
    }
    return measured
  } finally {
    workers.stop()
    await server.stop()
  }
}

function render(measured: readonly Round[]): string {
  const over = (digits: number, value: (round: Round) => number) =>
    renderSpread(spread(measured.map(value)), digits)
  const percent = (value: (round: Round) => number) => `${over(1, (round) => value(round) * 100)} %`
  return renderTable(
    ['', 'per s', 'of the workers alone', 'CPU ms each', 'loop p50 / p99 / max ms', 'resident MB'],
    [
      [
        'workers alone',
        over(2, ({ alone }) => alone.perSecond),
        '',
        over(1, ({ alone }) => alone.cpu),
        '',
        '',
      ],
      [
        'logins',
        over(2, ({ served }) => served.perSecond),
        percent(({ served, alone }) => served.perSecond / alone.perSecond),
        over(1, ({ served }) => served.cpu),
        `${over(1, ({ loopP50 }) => loopP50)} / ${over(1, ({ loopP99 }) => loopP99)} / ${over(0, ({ loopMax }) => loopMax)}`,
        over(0, ({ resident }) => resident / megabyte),
      ],
    ],
  )
}

const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
try {
  const machine = describeMachine(directory)
  say('installing')
  const measured = await run(directory)
  process.stdout.write(
    `${renderMachine(machine)}\n` +
      `${clients} clients, bcrypt cost ${cost}, ${threads} hashing threads, ${rounds} rounds of ` +
      `${milliseconds / 1_000} s each; median (least–most)\n\n${render(measured)}\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
