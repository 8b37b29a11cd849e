import type { Machine } from './machine.ts'
import type { Sample } from './rounds.ts'
import type { Start } from './starts.ts'
import { type Spread, spread } from './statistics.ts'
import { type Grant, grants, type Subject } from './subjects/subject.ts'

/** One round: each server is measured once, so that ratios within it see the same machine. */
export interface Round {
  /** CPU of one signature, in milliseconds. */
  readonly signature: number
  readonly samples: readonly Sample[]
}

/** What a server holds when all rounds are over. */
export interface AfterLoad {
  readonly server: string
  /** Bytes. */
  readonly resident: number
  /** How many it had given out by then. */
  readonly tokens: number
}

/** A server that did not get to the end, or not even to the beginning. */
export interface Failure {
  readonly server: string
  readonly what: string
  readonly message: string
}

/** All that one run has seen. */
export interface Results {
  readonly machine: Machine
  readonly command: string
  readonly servers: readonly Pick<Subject, 'name' | 'signature' | 'durable'>[]
  readonly failures: readonly Failure[]
  readonly sessions: number
  readonly connections: readonly number[]
  readonly rounds: readonly Round[]
  readonly starts: readonly Start[]
  readonly afterLoad: readonly AfterLoad[]
}

/** One line of the tables. Times are milliseconds. */
export interface Summary {
  readonly server: string
  readonly grant: Grant
  readonly connections: number
  readonly perSecond: Spread
  readonly p50: Spread
  readonly p99: Spread
  readonly cpu: Spread
  readonly mainThread: Spread
  readonly inSignatures: Spread
  /** `value` against that of another server in the same round; undefined where that has none. */
  against(server: string, value: (sample: Sample) => number): Spread | undefined
}

/** Medians over the rounds; a ratio is taken within each round, never between rounds. */
export function summarise(results: Pick<Results, 'rounds' | 'servers' | 'connections'>): readonly Summary[] {
  const { rounds, servers, connections } = results
  return grants.flatMap((grant) =>
    connections.flatMap((count) => servers.flatMap(({ name }) => summariseOne(rounds, name, grant, count))),
  )
}

function summariseOne(
  rounds: readonly Round[],
  server: string,
  grant: Grant,
  connections: number,
): readonly Summary[] {
  const find = ({ samples }: Round, name: string) =>
    samples.find((s) => s.server === name && s.grant === grant && s.connections === connections)
  const measured = rounds.flatMap((round) => {
    const sample = find(round, server)
    return sample ? [{ round, sample }] : []
  })
  if (measured.length === 0) return []
  const over = (value: (sample: Sample, round: Round) => number) =>
    spread(measured.map(({ round, sample }) => value(sample, round)))
  return [
    {
      server,
      grant,
      connections,
      perSecond: over((sample) => sample.perSecond),
      p50: over((sample) => sample.p50),
      p99: over((sample) => sample.p99),
      cpu: over((sample) => sample.cpu),
      mainThread: over((sample) => sample.mainThread),
      inSignatures: over((sample, round) => sample.cpu / round.signature),
      against(other, value) {
        const ratios = measured.flatMap(({ round, sample }) => {
          const unit = find(round, other)
          return unit ? [value(sample) / value(unit)] : []
        })
        return ratios.length > 0 ? spread(ratios) : undefined
      },
    },
  ]
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
