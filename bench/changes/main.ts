import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { installMintage, ownExecutable } from '../installation.ts'
import { describeMachine } from '../machine.ts'
import { renderTable } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import { percentile } from '../statistics.ts'
import { type Kind, prepareKinds } from './kinds.ts'
import { type Ended, World } from './world.ts'

/** How often the server is asked while a change is awaited, in milliseconds. */
const pause = 2
const deadline = 30_000

/** How long one change took to be seen, in milliseconds. */
interface Seen {
  readonly kind: string
  /** From the beginning of its transaction. */
  readonly sinceCommit: number
  /** From the end of its command; 0 where it was seen before. */
  readonly sinceEnd: number
}

/** Asks without pause from before the command begins, so that a change that is seen before its end is noticed too. */
async function observe(world: World, kind: Kind, n: number): Promise<Seen> {
  await kind.prepare(n)
  let ended: Ended | undefined
  const changing = kind.change().then((end) => {
    ended = end
  })
  while (!(await kind.isVisible(ended))) {
    const end: Ended | undefined = ended
    if (end && Date.now() > end.at + deadline)
      throw new Error(`${kind.name}: not seen within ${deadline} ms.`)
    await delay(pause)
  }
  const seenAt = Date.now()
  await changing
  const end: Ended | undefined = ended
  if (!end) throw new Error(`${kind.name}: seen, though the command did not end.`)
  return {
    kind: kind.name,
    sinceCommit: seenAt - world.lastChangeAt(),
    sinceEnd: Math.max(0, seenAt - end.at),
  }
}

function describe(name: string, seen: readonly Seen[]): readonly string[] {
  const figures = (values: readonly number[]) =>
    [0.5, 0.99, 1].map((share) => percentile(values, share).toFixed(0))
  return [
    name,
    String(seen.length),
    ...figures(seen.map(({ sinceCommit }) => sinceCommit)),
    ...figures(seen.map(({ sinceEnd }) => sinceEnd)),
  ]
}

const { values } = parseArgs({ options: { changes: { type: 'string', default: '200' } } })
const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
try {
  const { recipe } = await installMintage('mintage', ownExecutable, directory, 1)
  const server = await ServerProcess.start({
    ...recipe,
    environment: { ...recipe.environment, MINTAGE_BCRYPT_COST: '4' },
  })
  const machine = describeMachine(directory)
  const seen: Seen[] = []
  try {
    const world = new World(recipe)
    const kinds = await prepareKinds(world)
    let stopped = false
    // What has been seen by then is shown.
    process.once('SIGINT', () => {
      stopped = true
    })
    for (let n = 0; n < Number(values.changes) && !stopped; n++) {
      const kind = kinds[n % kinds.length]
      if (kind) seen.push(await observe(world, kind, n))
      if (process.stderr.isTTY) process.stderr.write(`\r${n + 1} changes`)
    }
  } finally {
    await server.stop()
  }
  const names = [...new Set(seen.map(({ kind }) => kind))]
  const rows = names.map((name) =>
    describe(
      name,
      seen.filter(({ kind }) => kind === name),
    ),
  )
  const head = [
    'change',
    'n',
    ...['commit', 'end'].flatMap((from) => ['p50', 'p99', 'max'].map((p) => `${p} from ${from}`)),
  ]
  process.stdout.write(
    `${machine.at}, ${machine.cores} × ${machine.processor}, Linux ${machine.kernel}, Node ${machine.node}, ` +
      `load before ${machine.load.toFixed(2)}; milliseconds\n\n${renderTable(head, [...rows, describe('all', seen)])}\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
