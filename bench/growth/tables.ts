import { renderTable } from '../results.ts'
import { spread } from '../statistics.ts'
import type { GrowthStart, RefreshSample } from './refreshes.ts'
import type { World } from './world.ts'

export const count = (value: number) => value.toLocaleString('en')

/** The median of the values, and their range. */
export function show(values: readonly number[], digits: number): string {
  const { median, least, most } = spread(values)
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`
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
