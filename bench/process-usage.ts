import { readdirSync, readFileSync } from 'node:fs'

/** CPU that a server has used since it began, user and system, in milliseconds. */
export interface CpuTime {
  /** All threads of the process and of all processes below it. */
  readonly total: number
  /** All threads of the process itself. */
  readonly own: number
  /** The first thread of the process itself. */
  readonly mainThread: number
}

/** Linux counts what `/proc` shows in hundredths of a second on every architecture that Node runs on. */
const millisecondsPerTick = 10

/** What `proc(5)` says of one process. */
interface Stat {
  readonly parent: number
  /** Ticks of all its threads, those that ended too. */
  readonly own: number
  /** Ticks of children that ended and were waited for, with theirs. */
  readonly children: number
}

/**
 * Asks the operating system, so that a process cannot flatter itself.
 * @throws when there is no such process, or no `/proc`.
 */
export function readCpuTime(pid: number): CpuTime {
  const tree = listTree(pid)
  const ticks = tree.reduce((sum, { own, children }) => sum + own + children, 0)
  return {
    total: ticks * millisecondsPerTick,
    own: (tree[0]?.own ?? 0) * millisecondsPerTick,
    mainThread: readStat(`/proc/${pid}/task/${pid}/stat`).own * millisecondsPerTick,
  }
}

/** Resident memory in bytes, of the process and all below it; what they share is counted for each. */
export function readResident(pid: number): number {
  return listResident(pid).reduce((sum, each) => sum + each, 0) || failEnded(pid)
}

/** The same of each by itself, the process first. */
export function listResident(pid: number): readonly number[] {
  return listTree(pid).map((each) => readOwnResident(each.pid) ?? 0)
}

/** The process and all that descend from it. @throws when it has ended. */
function listTree(root: number): readonly (Stat & { readonly pid: number })[] {
  const first = { pid: root, ...readStat(`/proc/${root}/stat`) }
  // Most servers have no children, and then nobody else's processes need be read.
  if (!hasChildren(root)) return [first]
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = tryRead(() => readStat(`/proc/${name}/stat`))
      return stat ? [{ pid: Number(name), ...stat }] : []
    })
  const tree = [first]
  for (const above of tree) tree.push(...all.filter(({ parent }) => parent === above.pid))
  return tree
}

/** By any of its threads; true where the kernel does not tell. */
function hasChildren(pid: number): boolean {
  const lists = tryRead(() =>
    readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'),
    ),
  )
  return lists?.some((list) => list.trim() !== '') ?? true
}

function readStat(path: string): Stat {
  const text = readFileSync(path, 'utf8')
  // The name of the program stands in parentheses and may hold anything; it is field 2.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  return { parent: field(4), own: field(14) + field(15), children: field(16) + field(17) }
}

function readOwnResident(pid: number): number | undefined {
  const status = tryRead(() => readFileSync(`/proc/${pid}/status`, 'utf8'))
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024
}

/** Undefined for what ended meanwhile. */
function tryRead<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function failEnded(pid: number): never {
  throw new Error(`The process ${pid} has no resident memory: it has ended.`)
}
