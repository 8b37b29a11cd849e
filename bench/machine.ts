import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'

/** Where and when the figures were taken. */
export interface Machine {
  readonly at: string
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  readonly openssl: string
  /** Of the directory that holds the databases: on `tmpfs` no commit is durable, and none costs anything. */
  readonly fileSystem: string
  /** Running processes on average over the minute before; above 0 somebody else is using the machine. */
  readonly load: number
}

export function describeMachine(directory: string): Machine {
  const [processor] = cpus()
  return {
    at: new Date().toISOString(),
    processor: processor?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    openssl: process.versions.openssl,
    fileSystem: execFileSync('stat', ['--file-system', '--format=%T', directory], {
      encoding: 'utf8',
    }).trim(),
    load: loadavg()[0] ?? 0,
  }
}

/** One line at the head of a table. */
export function renderMachine({ at, cores, processor, node, load }: Machine): string {
  return `${at}, ${cores} × ${processor}, Node ${node}, load before ${load.toFixed(2)}`
}
