import { percentile } from '../../bench/statistics.ts'
import { escapeText, roundUp } from '../../bench/svg.ts'
import { minute, second } from '../../src/lib/durations.ts'
import type { Sample } from './endurance-run.ts'

/** What the samples say. */
export interface Endurance {
  /** How much of the beginning is left out, in seconds. */
  readonly warmUp: number
  /** Of resident memory after it, by linear regression, in megabytes in ten minutes. */
  readonly slope: number
  /** Resident memory in megabytes: right after the warm-up, and in the end. */
  readonly residentBefore: number
  readonly residentAfter: number
  /** Medians of the first and the last third after the warm-up. */
  readonly descriptorsBefore: number
  readonly descriptorsAfter: number
  /** In milliseconds, medians of the first and the last five samples after the warm-up. */
  readonly p50: readonly [first: number, last: number]
  readonly p99: readonly [first: number, last: number]
}

const megabyte = 2 ** 20

/** @throws {RangeError} when there are too few samples. */
export function summarise(samples: readonly Sample[]): Endurance {
  const end = samples.at(-1)?.at ?? 0
  // Ten minutes of an hour; the heap takes its shape meanwhile.
  const warmUp = Math.min(600, Math.round(end / 4))
  const warm = samples.filter(({ at }) => at >= warmUp)
  if (warm.length < 3) throw new RangeError(`Too few samples: ${warm.length} after the warm-up.`)
  const third = Math.ceil(warm.length / 3)
  const median = (of: keyof Sample, part: readonly Sample[]) =>
    percentile(
      part.map((each) => each[of]),
      0.5,
    )
  const both = (of: keyof Sample, size: number): [number, number] => [
    median(of, warm.slice(0, size)),
    median(of, warm.slice(-size)),
  ]
  const [residentBefore, residentAfter] = both('resident', 5)
  const [descriptorsBefore, descriptorsAfter] = both('descriptors', third)
  const { slope } = fitLine(warm.map(({ at, resident }) => [at, resident / megabyte]))
  return {
    warmUp,
    slope: (slope * 10 * minute) / second,
    residentBefore: residentBefore / megabyte,
    residentAfter: residentAfter / megabyte,
    descriptorsBefore,
    descriptorsAfter,
    p50: both('p50', 5),
    p99: both('p99', 5),
  }
}

/** Least squares. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]) {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  const below = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
  const slope = above / below
  return { slope, intercept: y - slope * x }
}

const width = 760
const panelHeight = 150
const left = 62
const right = width - 14

/** Memory, descriptors and latency over time, one above the other. */
export function plot(samples: readonly Sample[], title: string): string {
  const end = samples.at(-1)?.at ?? 1
  const { warmUp } = summarise(samples)
  const line = fitLine(samples.filter(({ at }) => at >= warmUp).map((s) => [s.at, s.resident / megabyte]))
  const trend = [warmUp, end].map((at): readonly [number, number] => [at, line.intercept + line.slope * at])
  const points = (read: (sample: Sample) => number) =>
    samples.map((sample): readonly [number, number] => [sample.at, read(sample)])
  const panels = [
    {
      name: 'resident memory, MB (dashed: regression after warm-up)',
      lines: [points((s) => s.resident / megabyte)],
      trend,
    },
    { name: 'open descriptors', lines: [points((s) => s.descriptors)] },
    { name: 'latency, ms: p50 and p99 in each window', lines: [points((s) => s.p50), points((s) => s.p99)] },
  ]
  const drawn = panels.map((panel, i) => drawPanel(panel, end, 34 + i * (panelHeight + 34)))
  const height = 34 + panels.length * (panelHeight + 34)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${escapeText(title)}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="18" font-size="14">${escapeText(title)}</text>
${drawn.join('\n')}
</svg>
`
}

interface Panel {
  readonly name: string
  readonly lines: readonly (readonly (readonly [number, number])[])[]
  readonly trend?: readonly (readonly [number, number])[]
}

function drawPanel({ name, lines, trend }: Panel, end: number, top: number): string {
  const most = roundUp(Math.max(...lines.flat().map(([, y]) => y)))
  const bottom = top + panelHeight
  const path = (points: readonly (readonly [number, number])[]) =>
    points
      .map(([x, y]) => {
        const across = left + (x / end) * (right - left)
        return `${across.toFixed(1)},${(bottom - (y / most) * (panelHeight - 20)).toFixed(1)}`
      })
      .join(' ')
  const colours = ['#1f6feb', '#d1242f']
  const marks = [0, 0.5, 1].map((share) => {
    const y = bottom - share * (panelHeight - 20)
    return `<line x1="${left}" x2="${right}" y1="${y}" y2="${y}" stroke="#ddd"/><text x="${left - 6}" y="${y + 4}" text-anchor="end">${Number((most * share).toPrecision(3))}</text>`
  })
  const times = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = Math.round((end * share) / 6) / 10
    return `<text x="${left + share * (right - left)}" y="${bottom + 14}" text-anchor="middle">${at} min</text>`
  })
  const drawn = lines.map(
    (points, i) =>
      `<polyline points="${path(points)}" fill="none" stroke="${colours[i]}" stroke-width="1.5"/>`,
  )
  const dashed = trend
    ? `<polyline points="${path(trend)}" fill="none" stroke="#333" stroke-dasharray="6 4"/>`
    : ''
  return [
    `<text x="${left}" y="${top + 10}">${escapeText(name)}</text>`,
    ...marks,
    ...times,
    ...drawn,
    dashed,
  ].join('\n')
}
