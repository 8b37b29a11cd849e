import type { Machine } from '../machine.ts'
import { renderTable } from '../results.ts'
import type { Sample } from '../rounds.ts'
import { renderSpread, spread } from '../statistics.ts'
import { grants } from '../subjects/subject.ts'

export interface PostgresSample extends Sample {
  /** CPU of PostgreSQL per request, all its processes, in milliseconds. */
  readonly postgres: number
}

/** One round: each server is measured once, so that ratios within it see the same machine. */
export interface PostgresRound {
  /** CPU of one signature, in milliseconds. */
  readonly signature: number
  readonly samples: readonly PostgresSample[]
}

export interface PostgresResults {
  readonly machine: Machine
  readonly version: unknown
  readonly rounds: readonly PostgresRound[]
}

/** The table, in Markdown; ratios are taken within each round. */
export function render({ machine, version, rounds }: PostgresResults): string {
  const names = [...new Set(rounds.flatMap(({ samples }) => samples.map(({ server }) => server)))]
  names.sort((a, b) => order.indexOf(a) - order.indexOf(b))
  const rows = grants.flatMap((grant) =>
    names.map((server) => {
      const find = ({ samples }: PostgresRound, name: string) => {
        const sample = samples.find((each) => each.server === name && each.grant === grant)
        if (!sample) throw new Error(`A round without ${name} and ${grant}.`)
        return sample
      }
      const over = (digits: number, value: (sample: PostgresSample, round: PostgresRound) => number) =>
        renderSpread(spread(rounds.map((round) => value(find(round, server), round))), digits)
      return [
        server,
        grant,
        over(3, ({ cpu }) => cpu),
        over(3, ({ mainThread }) => mainThread),
        over(3, ({ postgres }) => postgres),
        over(2, ({ cpu }, round) => cpu / round.signature),
        server === 'bare' ? '1' : over(2, ({ cpu }, round) => cpu / find(round, 'bare').cpu),
        over(0, ({ perSecond }) => perSecond),
        over(1, ({ p50 }) => p50),
        over(1, ({ p99 }) => p99),
      ]
    }),
  )
  const units = ['× signature', '× bare']
  return [
    `${machine.at}, ${machine.cores} × ${machine.processor}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
      `Node ${machine.node}, PostgreSQL ${version}, data on ${machine.fileSystem}, load before ${machine.load.toFixed(2)}`,
    `${rounds.length} rounds; median (least–most)`,
    `One RS256 signature: ${renderSpread(spread(rounds.map(({ signature }) => signature)), 3)} ms of CPU`,
    renderTable(
      ['server', 'grant', 'CPU ms', 'main thread ms', 'PostgreSQL ms', ...units, 'per s', 'p50 ms', 'p99 ms'],
      rows,
    ),
  ].join('\n\n')
}

const order = ['bare', 'mintage', 'baseline']
