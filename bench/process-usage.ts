import { readdirSync, readFileSync } from 'node:fs'

/** CPU that a process has used since it began, user and system, in milliseconds: all its threads, and its first. */
export interface CpuTime {
  readonly total: number
  readonly mainThread: number
}

/** Linux counts what `/proc` shows in hundredths of a second on every architecture that Node runs on. */
const millisecondsPerTick = 10

/**
 * Asks the operating system, so that a process cannot flatter itself. `proc(5)`; threads that ended are counted too.
 * @throws when there is no such process, or no `/proc`.
 */
export function readCpuTime(pid: number): CpuTime {
  return {
    total: readTicks(`/proc/${pid}/stat`) * millisecondsPerTick,
    mainThread: readTicks(`/proc/${pid}/task/${pid}/stat`) * millisecondsPerTick,
  }
}

/** Resident memory in bytes. */
export function readResident(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kilobytes === undefined) throw new Error(`The process ${pid} has no resident memory: it has ended.`)
  return Number(kilobytes) * 1_024
}

export function countThreads(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length
}

function readTicks(path: string): number {
  const text = readFileSync(path, 'utf8')
  // The name of the program stands in parentheses and may hold anything; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
