import { parseArgs } from 'node:util'
import type { Plan } from './contest.ts'
import { readCount } from './counts.ts'
import { ours, peers, quickPeers, suites } from './subjects/all.ts'
import { baselineOf } from './subjects/mintage.ts'
import type { Subject } from './subjects/subject.ts'

const plans: Readonly<Record<'full' | 'quick', Plan>> = {
  full: {
    sessions: 1_024,
    rounds: 5,
    connections: [1, 16, 128],
    phase: 1_500,
    leadIn: 300,
    signatures: 4_000,
    warmUp: 3_000,
    starts: 5,
    idle: 1_000,
  },
  quick: {
    sessions: 32,
    rounds: 2,
    connections: [1, 16],
    phase: 250,
    leadIn: 50,
    signatures: 400,
    warmUp: 150,
    starts: 1,
    idle: 100,
  },
}

/** What the command line asks for. */
export interface Options {
  readonly plan: Plan
  readonly subjects: readonly Subject[]
  /** The names of those that must not fail. */
  readonly essential: readonly string[]
  /** As it was typed. */
  readonly command: string
  /** Where every round is written, as JSON. */
  readonly out: string
  /** Where the plots are written. */
  readonly plots?: string
  /** A file of an earlier run, whose tables and plots are made again; nothing is measured then. */
  readonly from?: string
  /** Whether a peer that is left out is a failure. */
  readonly isStrict: boolean
}

/** @throws {RangeError} when a number or a name is none. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      connections: { type: 'string' },
      phase: { type: 'string' },
      baseline: { type: 'string' },
      subjects: { type: 'string' },
      peers: { type: 'string' },
      strict: { type: 'boolean', default: false },
      plots: { type: 'string' },
      from: { type: 'string' },
      out: { type: 'string', default: 'bench/results/latest.json' },
    },
  })
  const usual = values.quick ? plans.quick : plans.full
  const connections = readList(values.connections)?.map((text) => readCount('--connections', text))
  const plan: Plan = {
    ...usual,
    rounds: readCount('--rounds', values.rounds) ?? usual.rounds,
    phase: readCount('--phase', values.phase) ?? usual.phase,
    connections: connections ?? usual.connections,
    // Every connection needs a session of its own.
    sessions: Math.max(usual.sessions, ...(connections ?? [])),
  }
  const own = [...ours, ...(values.baseline === undefined ? [] : [baselineOf(values.baseline)])]
  const chosen = [...own, ...choosePeers(values.peers, values.quick)]
  const subjects = choose('--subjects', values.subjects, chosen)
  return {
    plan,
    subjects,
    essential: own.map(({ name }) => name),
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    out: values.out,
    ...(values.plots !== undefined && { plots: values.plots }),
    ...(values.from !== undefined && { from: values.from }),
    isStrict: values.strict,
  }
}

function readList(text: string | undefined): readonly string[] | undefined {
  return text
    ?.split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

/** The suites are asked for by name. */
function choosePeers(text: string | undefined, isQuick: boolean): readonly Subject[] {
  if (text === undefined) return isQuick ? quickPeers : peers
  return choose('--peers', text, [...peers, ...suites])
}

/** All where nothing is said, none for `none`. */
function choose(option: string, text: string | undefined, all: readonly Subject[]): readonly Subject[] {
  const names = text === 'none' ? [] : readList(text)
  const unknown = names?.find((name) => !all.some((subject) => subject.name === name))
  if (unknown !== undefined) {
    throw new RangeError(`${option}: ${unknown} is none of ${all.map(({ name }) => name).join(', ')}.`)
  }
  return names ? all.filter(({ name }) => names.includes(name)) : all
}
