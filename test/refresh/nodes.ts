import type { RunningIssuer } from '../../src/compose.ts'
import type { ChildIssuer } from '../support/child-issuer.ts'
import type { TestClock } from '../support/in-process-issuer.ts'
import type { SharedInstallation } from '../support/shared-installation.ts'

/** Two issuers on one database. */
export interface Nodes {
  now(): number
  url(node: number): string
  /** Milliseconds since the epoch. */
  servingSince(node: number): number
  /** Ends the node, as hard as it can be ended. */
  kill(node: number): Promise<void>
  /** Starts it again. */
  start(node: number): Promise<void>
  close(): Promise<void>
}

export const nodeCount = 2

/** Two processes of the built executable, ended with SIGKILL. Time is real. */
export async function startProcesses(installation: SharedInstallation): Promise<Nodes> {
  const running = new Map<number, ChildIssuer>()
  const since = new Map<number, number>()
  const nodes: Nodes = {
    now: () => Date.now(),
    url: (node) => running.get(node)?.url ?? '',
    servingSince: (node) => since.get(node) ?? 0,
    async kill(node) {
      await running.get(node)?.end('SIGKILL')
    },
    async start(node) {
      const port = running.get(node) ? Number(new URL(nodes.url(node)).port) : 0
      running.set(node, await installation.startChild(port))
      since.set(node, Date.now())
    },
    async close() {
      await Promise.all([...running.keys()].map((node) => nodes.kill(node)))
    },
  }
  // One after the other, so that their first start is not what is tried here.
  for (let node = 0; node < nodeCount; node++) await nodes.start(node)
  return nodes
}

/** Two issuers in this process, by one clock that stands still until it is moved. */
export async function startInProcess(installation: SharedInstallation, clock: TestClock): Promise<Nodes> {
  const running = new Map<number, RunningIssuer>()
  const since = new Map<number, number>()
  const nodes: Nodes = {
    now: () => clock.now(),
    url: (node) => running.get(node)?.url ?? '',
    servingSince: (node) => since.get(node) ?? 0,
    async kill(node) {
      await running.get(node)?.stop('killed by the model')
    },
    async start(node) {
      running.set(node, await installation.startHere())
      since.set(node, clock.now())
    },
    async close() {
      await Promise.all([...running.keys()].map((node) => nodes.kill(node)))
    },
  }
  for (let node = 0; node < nodeCount; node++) await nodes.start(node)
  return nodes
}
