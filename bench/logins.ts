/** `npm run bench:logins`: does the time of a refused login tell why it was refused? See docs/benchmarks.md. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readCount } from './counts.ts'
import { installMintage, type MintageRecipe, ownExecutable, password } from './installation.ts'
import { Connection, renderHead } from './load/connection.ts'
import { describeMachine } from './machine.ts'
import { renderTable } from './results.ts'
import { ServerProcess } from './server-process.ts'
import { percentile } from './statistics.ts'

const { values: options } = parseArgs({
  options: {
    tries: { type: 'string', default: '1000' },
    cost: { type: 'string', default: '12' },
  },
})
const tries = readCount('--tries', options.tries)
const cost = readCount('--cost', options.cost, 6)
const say = (text: string) => process.stderr.write(`${text}\n`)

/** A kind of login: who, with what, and whether it is let in. */
interface Kind {
  readonly name: string
  readonly username: string
  readonly password: string
  readonly isRight: boolean
}

const wrong = 'not the password of anybody'
const kinds: readonly Kind[] = [
  { name: 'wrong password', username: 'ada', password: wrong, isRight: false },
  { name: 'unknown user', username: 'nobody', password: wrong, isRight: false },
  { name: 'disabled user, right password', username: 'eve', password, isRight: false },
  { name: 'disabled user, wrong password', username: 'eve', password: wrong, isRight: false },
  { name: `wrong password, hash of cost ${cost - 2}`, username: 'ida', password: wrong, isRight: false },
  { name: 'user without a password', username: 'joe', password: wrong, isRight: false },
  { name: 'let in (for comparison)', username: 'ada', password, isRight: true },
]

function addUsers({ environment }: MintageRecipe): void {
  const run = (hashCost: number, args: readonly string[]) =>
    execFileSync(process.execPath, [ownExecutable, ...args], {
      env: { ...process.env, ...environment, MINTAGE_BCRYPT_COST: String(hashCost) },
      input: password,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
  run(cost, ['user', 'set-password', 'ada'])
  run(cost, ['user', 'create', 'eve', '--password-stdin'])
  run(cost, ['user', 'disable', 'eve'])
  run(cost - 2, ['user', 'create', 'ida', '--password-stdin'])
  run(cost, ['user', 'create', 'joe'])
}

/** As often of each kind, in an order that no drift of the machine can follow. */
function shuffle(): readonly Kind[] {
  const order = kinds.flatMap((kind) => Array.from({ length: tries }, () => kind))
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    const [a, b] = [order[last], order[other]]
    if (a && b) {
      order[last] = b
      order[other] = a
    }
  }
  return order
}

async function measure({ port, authorization }: MintageRecipe): Promise<ReadonlyMap<Kind, number[]>> {
  const connection = await Connection.open(port)
  const head = renderHead(port, authorization)
  const times = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]))
  const answers = new Set<string>()
  const attempt = async (kind: Kind) => {
    const form = new URLSearchParams({
      grant_type: 'password',
      username: kind.username,
      password: kind.password,
    })
    const sent = performance.now()
    const { status, body } = await connection.post(head, form.toString())
    const time = performance.now() - sent
    if ((status === 200) !== kind.isRight) throw new Error(`${kind.name}: ${status} ${body}`)
    if (!kind.isRight) answers.add(`${status} ${body}`)
    return time
  }
  for (const kind of kinds) await attempt(kind)
  const order = shuffle()
  for (const [done, kind] of order.entries()) {
    times.get(kind)?.push(await attempt(kind))
    if (done % Math.ceil(order.length / 10) === 0) say(`${done} of ${order.length}`)
  }
  connection.close()
  if (answers.size !== 1) throw new Error(`The refusals differ: ${[...answers].join('\n')}`)
  return times
}

const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
try {
  const machine = describeMachine(directory)
  say('installing')
  const { recipe } = await installMintage('mintage', ownExecutable, directory, 1)
  const environment = {
    ...recipe.environment,
    MINTAGE_BCRYPT_COST: options.cost,
    MINTAGE_HASH_THREADS: '1',
    // It would answer sooner than the hash, and the same to everybody.
    MINTAGE_THROTTLE: 'off',
  }
  addUsers({ ...recipe, environment })
  const server = await ServerProcess.start({ ...recipe, environment })
  const times = await measure(recipe).finally(() => server.stop())
  const reference = percentile(times.values().next().value ?? [], 0.5)
  const rows = [...times].map(([{ name }, own]) => {
    const median = percentile(own, 0.5)
    return [
      name,
      median.toFixed(2),
      (median / reference).toFixed(3),
      percentile(own, 0.05).toFixed(1),
      percentile(own, 0.95).toFixed(1),
    ]
  })
  process.stdout.write(
    `${machine.at}, ${machine.cores} × ${machine.processor}, Node ${machine.node}, ` +
      `${availableParallelism()} cores, load before ${machine.load.toFixed(2)}\n` +
      `bcrypt cost ${cost}, ${tries} tries of each kind in random order, one at a time\n\n` +
      `${renderTable(['', 'median ms', '× the first', 'p5 ms', 'p95 ms'], rows)}\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
