import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BarGroup, drawBars } from './bars.ts'
import { type Results, type Summary, summarise } from './results.ts'
import type { Spread } from './statistics.ts'
import { grants } from './subjects/subject.ts'

interface Plot {
  readonly name: string
  readonly title: string
  readonly digits: number
  readonly read: (line: Summary) => Spread
}

const plots: readonly Plot[] = [
  { name: 'throughput', title: 'Tokens per second', digits: 0, read: (line) => line.perSecond },
  { name: 'p99', title: 'p99 of latency, ms', digits: 1, read: (line) => line.p99 },
  {
    name: 'cpu',
    title: 'CPU per request, in units of one RS256 signature',
    digits: 2,
    read: (line) => line.inSignatures,
  },
]

/** The plots of a run, as SVG by the name of their file: a bar per server for each grant and number of connections. */
export function renderPlots(results: Results): ReadonlyMap<string, string> {
  const lines = summarise(results)
  const { machine, rounds, connections } = results
  return new Map(
    plots.map(({ name, title, digits, read }) => {
      const groups = grants.flatMap((grant) =>
        connections.map((count): BarGroup => {
          const own = lines.filter((line) => line.grant === grant && line.connections === count)
          const bars = own.map((line) => ({ name: line.server, value: read(line) }))
          return { name: `${grant}, ${count} ${count === 1 ? 'connection' : 'connections'}`, bars }
        }),
      )
      const filled = groups.filter(({ bars }) => bars.length > 0)
      return [
        `${name}.svg`,
        drawBars(`${title}: median and range of ${rounds.length} rounds, ${machine.at}`, filled, digits),
      ]
    }),
  )
}

/** Writes them into the directory, which is made where it is missing. */
export function writePlots(results: Results, directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, svg] of renderPlots(results)) writeFileSync(join(directory, name), svg)
}
