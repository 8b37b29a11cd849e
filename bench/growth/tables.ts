import { renderTable } from '../results.ts'
import { renderSpread, spread } from '../statistics.ts'
import type { CleanupSample } from './cleanup.ts'
import type { Sample } from './load.ts'
import type { GrowthStart, RefreshSample } from './refreshes.ts'
import type { measureClients, RegistrationSample } from './registrations.ts'
import type { World } from './world.ts'

type ClientsMeasured = Awaited<ReturnType<typeof measureClients>>

export const count = (value: number) => value.toLocaleString('en')

/** The median of the values, and their range. */
export function show(values: readonly number[], digits: number): string {
  return renderSpread(spread(values), digits)
}

export function renderFillings(worlds: readonly World[]): string {
  return renderTable(
    ['sessions', 'bytes a session', 'bytes a user', 'filled in s'],
    worlds.map(({ sessions, filled }) => [
      count(sessions),
      filled.bytesPerSession.toFixed(0),
      filled.bytesPerUser.toFixed(0),
      filled.seconds.toFixed(0),
    ]),
  )
}

/** Each kind of sample, in the order that they came. */
function kinds<Kind extends { readonly sessions: number; readonly temperature: string }>(
  all: readonly Kind[],
) {
  const sorted = [...all].sort(
    (a, b) => a.sessions - b.sessions || b.temperature.localeCompare(a.temperature),
  )
  return [...new Map(sorted.map((each) => [`${each.sessions} ${each.temperature}`, each])).values()]
}

export function renderStarts(starts: readonly GrowthStart[]): string {
  return renderTable(
    ['sessions', 'file in memory', 'start → first token ms', 'CPU ms', 'resident MB'],
    kinds(starts).map(({ sessions, temperature }) => {
      const own = starts.filter((each) => each.sessions === sessions && each.temperature === temperature)
      return [
        count(sessions),
        temperature,
        show(
          own.map(({ milliseconds }) => milliseconds),
          0,
        ),
        show(
          own.map(({ cpu }) => cpu),
          0,
        ),
        show(
          own.map(({ resident }) => resident / 1e6),
          0,
        ),
      ]
    }),
  )
}

/** Ratios are taken within a round, against the fewest sessions. */
export function renderRefreshes(rounds: readonly (readonly RefreshSample[])[]): string {
  const fewest = Math.min(...rounds.flat().map(({ sessions }) => sessions))
  const pick = (round: readonly RefreshSample[], sessions: number, temperature: string) => {
    const found = round.find((each) => each.sessions === sessions && each.temperature === temperature)
    if (!found) throw new Error('A round is not whole.')
    return found
  }
  return renderTable(
    ['sessions', 'file in memory', '/s', 'p50 ms', '×', 'p99 ms', '×', 'CPU ms', '×'],
    kinds(rounds.flat()).map(({ sessions, temperature }) => {
      const own = rounds.map((round) => pick(round, sessions, temperature))
      const columns = (['p50', 'p99', 'cpu'] as const).flatMap((name) => [
        show(
          own.map((sample) => sample[name]),
          2,
        ),
        show(
          rounds.map((round, index) => (own[index]?.[name] ?? 0) / pick(round, fewest, 'warm')[name]),
          2,
        ),
      ])
      const rate = show(
        own.map(({ perSecond }) => perSecond),
        0,
      )
      return [count(sessions), temperature, rate, ...columns]
    }),
  )
}

/** Ratios are taken within a round, against the same question where the fewest are registered. */
export function renderRegistrations(
  what: string,
  rounds: readonly (readonly RegistrationSample[])[],
): string {
  const [first = []] = rounds
  return renderTable(
    [what, 'asked for', '/s', 'p50 ms', 'p99 ms', 'CPU ms', '×'],
    first.map(({ registered, asked }, index) => {
      const own = rounds.flatMap((round) =>
        round.filter((each) => each.registered === registered && each.asked === asked),
      )
      const ratios = rounds.map((round) => {
        const same = round.filter((each) => each.asked === asked)
        const fewest = same.reduce((least, each) => (each.registered < least.registered ? each : least))
        return (own[rounds.indexOf(round)]?.cpu ?? Number.NaN) / fewest.cpu
      })
      const column = (name: 'perSecond' | 'p50' | 'p99' | 'cpu', digits: number) =>
        show(
          own.map((sample) => sample[name]),
          digits,
        )
      const title =
        first.findIndex((each) => each.registered === registered) === index ? count(registered) : ''
      return [
        title,
        asked,
        column('perSecond', 0),
        column('p50', 2),
        column('p99', 1),
        column('cpu', 2),
        show(ratios, 2),
      ]
    }),
  )
}

export function renderClients(
  { start, first, rounds, resident, change }: ClientsMeasured,
  clients: number,
): string {
  const samples = (asked: string) => rounds.flatMap((round) => round.filter((each) => each.asked === asked))
  const few = samples('few')
  const row = (name: string, all: readonly Sample[]) => [
    name,
    show(
      all.map(({ perSecond }) => perSecond),
      0,
    ),
    show(
      all.map(({ p99 }) => p99),
      1,
    ),
    show(
      all.map(({ cpu }) => cpu),
      2,
    ),
    show(
      all.map(({ cpu }, index) => cpu / (few[index] ?? few[0] ?? { cpu: Number.NaN }).cpu),
      2,
    ),
  ]
  const table = renderTable(
    ['client_credentials', '/s', 'p99 ms', 'CPU ms', '×'],
    [
      row('16 of them, again and again', few),
      row('all of them, again and again', samples('all')),
      row('each for the first time', [first]),
      row('all, after a change to one', [change.after]),
    ],
  )
  const facts = [
    `${count(clients)} clients: start to first token ${start.milliseconds.toFixed(0)} ms (${start.cpu} ms of CPU)`,
    `resident ${(start.resident / 1e6).toFixed(0)} MB, with all of them in use ${(resident / 1e6).toFixed(0)} MB`,
    `a disabled one was refused ${change.refusedAfter.toFixed(0)} ms after the command had ended`,
  ]
  return `${table}\n\n${facts.join('; ')}.`
}

/** Before the first row went, and while rows went, the median and the range of the stretches. */
export function renderCleanup(samples: readonly CleanupSample[], sessions: number): string {
  const before = samples.filter(({ left }) => left >= sessions)
  const meanwhile = samples.filter(({ left }) => left < sessions)
  const row = (name: string, some: readonly CleanupSample[]) => {
    const column = (pick: (sample: CleanupSample) => number, digits: number) =>
      some.length === 0 ? '–' : show(some.map(pick), digits)
    return [
      name,
      column(({ perSecond }) => perSecond, 0),
      column(({ p50 }) => p50, 1),
      column(({ p99 }) => p99, 1),
      column(({ most }) => most, 0),
      column(({ cpu }) => cpu, 2),
      column(({ loopP99 }) => loopP99, 1),
      column(({ loopMax }) => loopMax, 0),
      column(({ wal }) => wal / 1e6, 1),
    ]
  }
  const head = [
    'refreshes',
    '/s',
    'p50 ms',
    'p99 ms',
    'most ms',
    'CPU ms',
    'loop p99 ms',
    'loop max ms',
    'WAL MB',
  ]
  const table = renderTable(head, [row('before', before), row('meanwhile', meanwhile)])
  const [from, to] = [before.at(-1), samples.at(-1)]
  if (!from || !to) return table
  const rate = (from.left - to.left) / (to.at - from.at)
  return `${table}\n\n${count(from.left - to.left)} rows went in ${(to.at - from.at).toFixed(0)} s, ${rate.toFixed(0)} a second; ${count(to.left)} are left.`
}
