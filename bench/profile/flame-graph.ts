import type { Profiler } from 'node:inspector'
import { escapeText } from '../svg.ts'
import { findOwner, timePerNode } from './breakdown.ts'

/** A function, whoever it was called by along one path, and all it called. Times are milliseconds. */
interface Frame {
  readonly name: string
  readonly owner: string
  time: number
  readonly callees: Map<string, Frame>
}

const width = 1_200
const rowHeight = 16
/** A frame that is narrower cannot be seen. */
const leastWidth = 0.6
const top = 30
/** How wide a character of the text is. */
const characterWidth = 6.1

/**
 * Draws where the time of a profile went: each row is called by the one below it, each frame as wide as its time
 * (B. Gregg, "The Flame Graph", CACM 59.6). Idle time is left out.
 * @returns an SVG; hovering shows the function, its file, and its share.
 */
export function drawFlameGraph(profile: Profiler.Profile, title: string): string {
  const root = gather(profile)
  const rows: string[] = []
  const deepest = draw(root, 0, 0, root.time, rows)
  const height = top + (deepest + 1) * rowHeight + 8
  const flipped = rows.map((row) => row.replace(/@(\d+)@/g, (_, y) => String(height - 8 - Number(y))))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="10">
<title>${escapeText(title)}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="6" y="18" font-size="13">${escapeText(title)}</text>
${flipped.join('\n')}
</svg>
`
}

function gather(profile: Profiler.Profile): Frame {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)),
  )
  const root: Frame = { name: 'all', owner: '', time: 0, callees: new Map() }
  for (const [id, time] of timePerNode(profile)) {
    const stack: Profiler.ProfileNode['callFrame'][] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame
      if (frame && frame.functionName !== '(root)') stack.unshift(frame)
    }
    const last = stack.at(-1)?.functionName
    if (last === undefined || last === '(idle)' || last === '(program)') continue
    root.time += time
    let at = root
    for (const frame of stack) at = enter(at, frame, time)
  }
  return root
}

function enter(caller: Frame, frame: Profiler.ProfileNode['callFrame'], time: number): Frame {
  const owner = findOwner(frame) ?? 'V8'
  const file = frame.url.slice(frame.url.lastIndexOf('/') + 1)
  const name = `${frame.functionName || '(anonymous)'}${file && ` ${file}:${frame.lineNumber + 1}`}`
  const key = `${owner} ${name}`
  const callee = caller.callees.get(key) ?? { name, owner, time: 0, callees: new Map() }
  caller.callees.set(key, callee)
  callee.time += time
  return callee
}

/** @returns the deepest row that was drawn. */
function draw(frame: Frame, depth: number, from: number, whole: number, rows: string[]): number {
  const across = (frame.time / whole) * width
  if (across < leastWidth) return depth - 1
  const text = frame.name.slice(0, Math.max(0, Math.floor(across / characterWidth) - 1))
  const y = (depth + 1) * rowHeight
  const told = `${frame.owner} ${frame.name}: ${((frame.time / whole) * 100).toFixed(1)} %`
  rows.push(
    `<g><title>${escapeText(told)}</title><rect x="${from.toFixed(1)}" y="@${y}@" width="${across.toFixed(1)}" ` +
      `height="${rowHeight - 1}" fill="${colourOf(frame.owner)}"/>` +
      `${text === '' ? '' : `<text x="${(from + 2).toFixed(1)}" y="@${y - 11}@">${escapeText(text)}</text>`}</g>`,
  )
  let deepest = depth
  let at = from
  for (const callee of [...frame.callees.values()].sort((a, b) => b.time - a.time)) {
    deepest = Math.max(deepest, draw(callee, depth + 1, at, whole, rows))
    at += (callee.time / whole) * width
  }
  return deepest
}

/** Ours, Node's, V8's, and that of packages. */
function colourOf(owner: string): string {
  if (owner.startsWith('src/') || owner.startsWith('bench/')) return '#f0a35e'
  if (owner.startsWith('node:')) return '#a8d08d'
  if (owner === 'V8' || owner === '(garbage collector)' || owner === '') return '#d0d7de'
  return '#8db9e8'
}
