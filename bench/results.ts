import type { Machine } from './machine.ts'
import { type Grant, grants, type Sample } from './rounds.ts'
import type { ServerName } from './server-process.ts'
import type { Start } from './starts.ts'
import { type Spread, spread } from './statistics.ts'

/** One round: each server is measured once, so that ratios within it see the same machine. */
export interface Round {
  /** CPU of one signature, in milliseconds. */
  readonly signature: number
  readonly samples: readonly Sample[]
}

/** What a process holds when all rounds are over. */
export interface AfterLoad {
  readonly server: ServerName
  /** Bytes. */
  readonly resident: number
  /** How many it had given out by then. */
  readonly tokens: number
}

/** All that one run has seen. */
export interface Results {
  readonly machine: Machine
  readonly command: string
  readonly servers: readonly ServerName[]
  readonly sessions: number
  readonly connections: number
  readonly rounds: readonly Round[]
  readonly starts: readonly Start[]
  readonly afterLoad: readonly AfterLoad[]
}

/** One line of the table. Times are milliseconds. */
export interface Summary {
  readonly server: ServerName
  readonly grant: Grant
  readonly perSecond: Spread
  readonly p50: Spread
  readonly p99: Spread
  readonly cpu: Spread
  readonly mainThread: Spread
  readonly inSignatures: Spread
  /** Against another server in the same round. */
  inUnitsOf(server: ServerName): Spread
}

/** Medians over the rounds; a ratio is taken within each round, never between rounds. */
export function summarise({ rounds, servers }: Pick<Results, 'rounds' | 'servers'>): readonly Summary[] {
  return grants.flatMap((grant) =>
    servers.map((server) => {
      const over = (value: (sample: Sample, round: Round) => number) =>
        spread(rounds.map((round) => value(findSample(round, server, grant), round)))
      return {
        server,
        grant,
        perSecond: over((sample) => sample.perSecond),
        p50: over((sample) => sample.p50),
        p99: over((sample) => sample.p99),
        cpu: over((sample) => sample.cpu),
        mainThread: over((sample) => sample.mainThread),
        inSignatures: over((sample, round) => sample.cpu / round.signature),
        inUnitsOf: (other) => over((sample, round) => sample.cpu / findSample(round, other, grant).cpu),
      }
    }),
  )
}

function findSample({ samples }: Round, server: ServerName, grant: Grant): Sample {
  const sample = samples.find((each) => each.server === server && each.grant === grant)
  if (!sample) throw new Error(`A round without ${server} and ${grant}.`)
  return sample
}

const megabyte = 1_000_000

/** The tables, in Markdown. */
export function render(results: Results): string {
  const { machine, rounds, servers, starts, afterLoad } = results
  const signature = spread(rounds.map((round) => round.signature))
  const units = servers.filter((server) => server !== 'mintage')
  const load = summarise(results).map((line) => [
    line.server,
    line.grant,
    format(line.cpu, 3),
    format(line.mainThread, 3),
    format(line.inSignatures, 2),
    ...units.map((unit) => (unit === line.server ? '1' : format(line.inUnitsOf(unit), 2))),
    format(line.perSecond, 0),
    format(line.p50, 1),
    format(line.p99, 1),
  ])
  const rest = afterLoad.map(({ server, resident, tokens }) => {
    const own = starts.filter((start) => start.server === server)
    return [
      server,
      format(spread(own.map(({ firstToken }) => firstToken)), 0),
      format(spread(own.map(({ cpu }) => cpu)), 0),
      format(spread(own.map(({ idle }) => idle / megabyte)), 1),
      `${(resident / megabyte).toFixed(1)} after ${tokens} tokens`,
    ]
  })
  const ratios = ['× signature', ...units.map((unit) => `× ${unit}`)]
  return [
    `${machine.at}, ${machine.cores} × ${machine.processor}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
      `Node ${machine.node}, OpenSSL ${machine.openssl}, databases on ${machine.fileSystem}, ` +
      `load before ${machine.load.toFixed(2)}`,
    `\`${results.command}\`: ${rounds.length} rounds, ${results.connections} connections, ` +
      `${results.sessions} sessions; median (least–most)`,
    `One RS256 signature: ${format(signature, 3)} ms of CPU`,
    renderTable(
      ['server', 'grant', 'CPU ms', 'main thread ms', ...ratios, 'per s', 'p50 ms', 'p99 ms'],
      load,
    ),
    renderTable(
      ['server', 'start to first token ms', 'CPU of it ms', 'resident idle MB', 'resident after load MB'],
      rest,
    ),
  ].join('\n\n')
}

function format({ median, least, most }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`
}

/** A Markdown table with its columns in line. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
