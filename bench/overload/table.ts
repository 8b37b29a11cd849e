import { renderTable } from '../results.ts'
import type { Times } from './phase.ts'
import type { OverloadFigures } from './run.ts'

const megabyte = 1_000_000

/** What was served, as a part of what can be served: the mean of before and after, for machines drift. */
export function goodputRatio({ goodput, capacities: [before, after] }: OverloadFigures): number {
  return goodput / ((before + after) / 2)
}

/** The figures as Markdown: a line for each grant. Times are milliseconds. */
export function renderFigures(figures: readonly OverloadFigures[]): string {
  const pair = ({ count, p50, p99 }: Times) => (count === 0 ? '–' : `${p50.toFixed(1)} / ${p99.toFixed(1)}`)
  return renderTable(
    [
      'grant',
      'possible /s before, after',
      'offered /s',
      'goodput /s',
      'of possible',
      'served p50 / p99',
      'refused p50 / p99',
      'answers',
      'JWKS p50 / p99',
      'a refresh p50 / p99',
      'told to come again',
      'loop p50 / p99 / max',
      'resident MB before, most, after',
      'cores',
    ],
    figures.map((each) => [
      each.grant,
      each.capacities.map((capacity) => capacity.toFixed(1)).join(', '),
      each.offered.toFixed(1),
      each.goodput.toFixed(1),
      `${(goodputRatio(each) * 100).toFixed(0)} %`,
      pair(each.crowd.served),
      pair(each.crowd.refused),
      Object.entries(each.crowd.answers)
        .map(([answer, count]) => `${count} × ${answer}`)
        .join(', '),
      pair(each.probe.jwks),
      pair(each.probe.refresh),
      `${each.probe.repeated} of ${each.probe.refresh.count + each.probe.repeated}`,
      `${each.loopP50.toFixed(1)} / ${each.loopP99.toFixed(1)} / ${each.loopMax.toFixed(0)}`,
      [each.bytesBefore, each.bytesMost, each.bytesAfter]
        .map((bytes) => (bytes / megabyte).toFixed(0))
        .join(', '),
      each.isPinned ? 'one each' : 'shared',
    ]),
  )
}
