import { type ChildIssuer, startChildIssuer } from './child-issuer.ts'
import { eventually } from './eventually.ts'
import { type KeptConnection, keepConnection } from './kept-connection.ts'

/** A server with several worker processes. */
export interface WorkerServer extends ChildIssuer {
  /** The log lines of an event. */
  lines(event: string): readonly Readonly<Record<string, unknown>>[]
  /** The ids of the worker processes, in the order in which they were started. */
  pids(): readonly number[]
  readonly adminUrl: string
}

/** Starts `mintage serve --workers` and an admin listener. */
export async function startWorkers(
  count: number,
  environment: Readonly<Record<string, string>>,
): Promise<WorkerServer> {
  const settings = { ...environment, MINTAGE_ADMIN_PORT: '0' }
  const server = await startChildIssuer(['serve', '--workers', String(count)], settings)
  const lines = (event: string) =>
    server
      .stdout()
      .split('\n')
      .filter((line) => line.includes(`"event":"${event}"`))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
  return {
    ...server,
    lines,
    pids: () => lines('worker.started').map(({ pid }) => Number(pid)),
    adminUrl: String(lines('admin.listening')[0]?.['url'] ?? ''),
  }
}

/** Opens a connection after the other, so that each worker gets as many. */
export async function keepConnections(url: string, count: number): Promise<readonly KeptConnection[]> {
  const connections: KeptConnection[] = []
  while (connections.length < count) connections.push(await keepConnection(url))
  return connections
}

/** Whether a process of that id is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until none of these processes is there any more; whether it came to that. */
export function haveEnded(pids: readonly number[]): Promise<boolean> {
  return eventually(
    async () => !pids.some(isAlive),
    (ended) => ended,
  )
}
