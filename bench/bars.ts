import { renderSpread, type Spread } from './statistics.ts'
import { escapeText, roundUp } from './svg.ts'

export interface Bar {
  readonly name: string
  /** The bar reaches to the median; a line across its end shows the rest. */
  readonly value: Spread
}

/** Bars that belong together, under a heading of their own. */
export interface BarGroup {
  readonly name: string
  readonly bars: readonly Bar[]
}

const width = 760
const left = 170
/** Where the axis ends; what is right of it is for the figures. */
const right = width - 150
const rowHeight = 20
const headingHeight = 26
const top = 34

/** Both for light and for dark pages: a viewer without `prefers-color-scheme` shows the light one. */
const style = `<style>
.page { fill: #fff } text { fill: #1f2328 } .bar { fill: #1f6feb } .range { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } text { fill: #e6edf3 } .bar { fill: #388bfd } .range { stroke: #e6edf3 }
}
</style>`

/** Draws horizontal bars from 0 on one scale, each with its range; `digits` are those behind the point. */
export function drawBars(title: string, groups: readonly BarGroup[], digits: number): string {
  const most = roundUp(Math.max(0, ...groups.flatMap(({ bars }) => bars.map(({ value }) => value.most))))
  const across = (value: number) => left + (value / most) * (right - left)
  const drawn: string[] = []
  let y = top
  for (const { name, bars } of groups) {
    drawn.push(`<text x="6" y="${y + 18}" font-weight="bold">${escapeText(name)}</text>`)
    y += headingHeight
    for (const bar of bars) {
      drawn.push(drawBar(bar, y, across, digits))
      y += rowHeight
    }
  }
  const height = y + 10
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${escapeText(title)}</title>
${style}
<rect class="page" width="${width}" height="${height}"/>
<text x="6" y="20" font-size="14">${escapeText(title)}</text>
${drawn.join('\n')}
</svg>
`
}

function drawBar({ name, value }: Bar, y: number, across: (value: number) => number, digits: number): string {
  const { median, least, most } = value
  const middle = y + rowHeight / 2
  const told = renderSpread(value, digits)
  const [from, to] = [across(least).toFixed(1), across(most).toFixed(1)]
  return [
    `<text x="${left - 6}" y="${middle + 4}" text-anchor="end">${escapeText(name)}</text>`,
    `<rect class="bar" x="${left}" y="${y + 3}" width="${(across(median) - left).toFixed(1)}" height="${rowHeight - 6}"/>`,
    `<line class="range" x1="${from}" x2="${to}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${right + 6}" y="${middle + 4}">${told}</text>`,
  ].join('')
}
