import fc from 'fast-check'
import { day, minute } from '../../../src/lib/durations.ts'
import { clientCommands, killCommand } from '../../refresh/commands.ts'
import type { Nodes } from '../../refresh/nodes.ts'
import { checkModel, type ModelOutcome } from '../../refresh/run-model.ts'
import { eventually } from '../../support/eventually.ts'
import { openSite, type Site } from './site.ts'

/** The model of refreshing, with each request at a random one of two nodes on PostgreSQL, which are killed meanwhile. */
export async function runModelOnSite(runs: number): Promise<ModelOutcome> {
  // The window outlasts the run, so that what is right does not depend on how fast it runs.
  const environment = { MINTAGE_REFRESH_RETRY_WINDOW: '1h' }
  const site = await openSite({ replication: 'none', environment })
  try {
    const { installation } = site
    const clients = clientCommands(installation)
    return await checkModel({
      installation,
      nodes: toNodes(site),
      lives: { retryWindow: 60 * minute, idleTtl: 7 * day, ttl: 90 * day },
      commands: [...clients, ...clients, fc.oneof(killCommand(installation))],
      runs,
      maxCommands: 25,
    })
  } finally {
    await site.close()
  }
}

function toNodes({ nodes, cluster }: Site): Nodes {
  const since = new Map<number, number>()
  const idle = "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND state <> 'idle'"
  return {
    now: () => Date.now(),
    url: (node) => nodes[node]?.url ?? '',
    servingSince: (node) => since.get(node) ?? 0,
    async kill(node) {
      await nodes[node]?.end('SIGKILL')
      // PostgreSQL may still commit what a node had sent before it was killed; this question itself is the one row.
      await eventually(
        () => cluster.primary.query(idle),
        (busy) => busy.length <= 1,
      )
    },
    async start(node) {
      await nodes[node]?.start()
      since.set(node, Date.now())
    },
    close: async () => undefined,
  }
}
