import type { Machine } from './machine.ts'
import type { Grant, Sample } from './rounds.ts'
import type { Start } from './starts.ts'
import { type Spread, spread } from './statistics.ts'

export const servers = ['bare', 'mintage'] as const
export const grants = ['client_credentials', 'refresh_token'] as const
export type ServerName = (typeof servers)[number]

type PerServer<T> = Readonly<Record<ServerName, T>>

/** One round: each is measured once, so that ratios within it see the same machine. */
export interface Round {
  /** CPU of one signature, in milliseconds. */
  readonly signature: number
  readonly samples: PerServer<Readonly<Record<Grant, Sample>>>
}

/** All that one run has seen. */
export interface Results {
  readonly machine: Machine
  readonly command: string
  readonly sessions: number
  readonly connections: number
  readonly rounds: readonly Round[]
  readonly starts: PerServer<readonly Start[]>
  /** Bytes, and how many tokens the process had given out by then. */
  readonly afterLoad: PerServer<{ readonly resident: number; readonly tokens: number }>
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
  readonly inBare: Spread
}

/** Medians over the rounds; a ratio is taken within each round, never between rounds. */
export function summarise(rounds: readonly Round[]): readonly Summary[] {
  return grants.flatMap((grant) =>
    servers.map((server) => {
      const over = (value: (round: Round) => number) => spread(rounds.map(value))
      const sample = (round: Round) => round.samples[server][grant]
      return {
        server,
        grant,
        perSecond: over((round) => sample(round).perSecond),
        p50: over((round) => sample(round).p50),
        p99: over((round) => sample(round).p99),
        cpu: over((round) => sample(round).cpu),
        mainThread: over((round) => sample(round).mainThread),
        inSignatures: over((round) => sample(round).cpu / round.signature),
        inBare: over((round) => sample(round).cpu / round.samples.bare[grant].cpu),
      }
    }),
  )
}

const megabyte = 1_000_000

/** The tables, in Markdown. */
export function render(results: Results): string {
  const { machine, rounds, starts, afterLoad } = results
  const signature = spread(rounds.map((round) => round.signature))
  const load = summarise(rounds).map((line) => [
    line.server,
    line.grant,
    format(line.cpu, 3),
    format(line.mainThread, 3),
    format(line.inSignatures, 2),
    format(line.inBare, 2),
    format(line.perSecond, 0),
    format(line.p50, 1),
    format(line.p99, 1),
  ])
  const rest = servers.map((server) => [
    server,
    format(spread(starts[server].map(({ firstToken }) => firstToken)), 0),
    format(spread(starts[server].map(({ idle }) => idle / megabyte)), 1),
    `${(afterLoad[server].resident / megabyte).toFixed(1)} after ${afterLoad[server].tokens} tokens`,
  ])
  return [
    `${machine.at}, ${machine.cores} × ${machine.processor}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
      `Node ${machine.node}, OpenSSL ${machine.openssl}, databases on ${machine.fileSystem}, ` +
      `load before ${machine.load.toFixed(2)}`,
    `\`${results.command}\`: ${rounds.length} rounds, ${results.connections} connections, ` +
      `${results.sessions} sessions; median (least–most)`,
    `One RS256 signature: ${format(signature, 3)} ms of CPU`,
    renderTable(
      ['server', 'grant', 'CPU ms', 'main thread ms', '× signature', '× bare', 'per s', 'p50 ms', 'p99 ms'],
      load,
    ),
    renderTable(['server', 'start to first token ms', 'resident idle MB', 'resident after load MB'], rest),
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
