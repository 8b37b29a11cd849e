import type { Profiler } from 'node:inspector'

/** Time of the main thread that one owner or function accounts for, in milliseconds. */
export interface Share {
  readonly name: string
  readonly time: number
}

/** Where the main thread's time went. Idle time is in none of it. */
export interface Breakdown {
  readonly busy: number
  /** By whose code ran: a package, a folder of `src/`, a module of Node; what V8 and C++ did counts for their caller. */
  readonly self: readonly Share[]
  /** By who wanted it: Node's time counts for the package or folder that called it, where there is one. */
  readonly onBehalf: readonly Share[]
  /** By function of packages and `src/`, with all that it called; a function that awaits counts until it awaits. */
  readonly functions: readonly Share[]
}

/** Reads a CPU profile of V8. */
export function breakDown(profile: Profiler.Profile): Breakdown {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)),
  )
  const self = new Map<string, number>()
  const onBehalf = new Map<string, number>()
  const functions = new Map<string, number>()
  let busy = 0
  for (const [id, time] of timePerNode(profile)) {
    const stack = climb(id, nodes, parents)
    const [top] = stack
    if (!top || top.functionName === '(idle)' || top.functionName === '(program)') continue
    busy += time
    const owners = stack.map(findOwner).filter((owner) => owner !== undefined)
    add(self, owners[0] ?? top.functionName, time)
    add(
      onBehalf,
      owners.find((owner) => !owner.startsWith('node:')) ?? owners.at(-1) ?? top.functionName,
      time,
    )
    for (const name of new Set(stack.map(nameFunction).filter((name) => name !== undefined)))
      add(functions, name, time)
  }
  return { busy, self: rank(self), onBehalf: rank(onBehalf), functions: rank(functions) }
}

/** Milliseconds that each node was on top of the stack. */
export function timePerNode({
  samples = [],
  timeDeltas = [],
}: Profiler.Profile): ReadonlyMap<number, number> {
  const times = new Map<number, number>()
  for (const [index, id] of samples.entries()) {
    // A sample lasts until the next one.
    times.set(id, (times.get(id) ?? 0) + (timeDeltas[index + 1] ?? 0) / 1_000)
  }
  return times
}

/** The frames from the top of the stack to its root. */
function climb(
  id: number,
  nodes: ReadonlyMap<number, Profiler.ProfileNode>,
  parents: ReadonlyMap<number, number>,
): readonly Profiler.ProfileNode['callFrame'][] {
  const stack = []
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const frame = nodes.get(at)?.callFrame
    if (frame) stack.push(frame)
  }
  return stack
}

/** Whose code a frame is; undefined for what V8 and C++ do on behalf of their caller. */
export function findOwner({ url, functionName }: Profiler.ProfileNode['callFrame']): string | undefined {
  if (functionName === '(garbage collector)') return functionName
  if (url === '') return undefined
  if (url.startsWith('node:')) return url.replace(/^(node:(?:internal\/)?[^/]+).*$/, '$1')
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (inPackage !== undefined) return inPackage
  const inHouse = /\/(?:dist\/)?(src\/verifier|src\/[^/]+|bench\/bare)(?=\/|\.|$)/.exec(url)?.[1]
  return inHouse ?? url
}

function nameFunction(frame: Profiler.ProfileNode['callFrame']): string | undefined {
  const owner = findOwner(frame)
  if (owner === undefined || owner.startsWith('node:')) return undefined
  const file = frame.url.slice(frame.url.lastIndexOf('/') + 1)
  return `${owner} ${file} ${frame.functionName || '(anonymous)'}:${frame.lineNumber + 1}`
}

function add(shares: Map<string, number>, name: string, time: number): void {
  shares.set(name, (shares.get(name) ?? 0) + time)
}

function rank(shares: ReadonlyMap<string, number>): readonly Share[] {
  return [...shares].map(([name, time]) => ({ name, time })).sort((a, b) => b.time - a.time)
}
