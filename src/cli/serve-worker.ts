import cluster from 'node:cluster'
import { takeConfig } from '../compose/worker-config.ts'
import { type RunningIssuer, startIssuer } from '../compose.ts'
import { Calls } from '../lib/calls.ts'
import { say } from './output.ts'
import type { PrimaryProcedures, WorkerProcedures } from './worker-messages.ts'

// The entry of a worker process. Whoever runs the server signals its whole group, perhaps; the primary process says when
// to stop, and not before all are asked to.
process.on('SIGTERM', () => undefined)
process.on('SIGINT', () => undefined)
process.stderr.on('error', () => undefined)

/** What it still answers when the primary process is gone, and with it the port, has so long, in milliseconds. */
const orphanLife = 9_000

let running: RunningIssuer | undefined

const mine: WorkerProcedures = {
  async start(config, isMeasured) {
    const counters = {
      take: (...values: Parameters<PrimaryProcedures['take']>) => primary.call('take', ...values),
      giveBack: (...values: Parameters<PrimaryProcedures['giveBack']>) => primary.call('giveBack', ...values),
    }
    running = await startIssuer({ config: takeConfig(config), worker: { counters, isMeasured } })
    return { url: running.url }
  },
  ping: async () => undefined,
  problems: async () => (await running?.problems()) ?? [],
  samples: async () => (await running?.samples()) ?? [],
  async stop(reason, linger) {
    await end(reason, linger)
  },
}

const primary = new Calls<PrimaryProcedures>(
  {
    send: (message) => void process.send?.(message, () => undefined),
    onMessage: (listen) => void process.on('message', listen),
    onEnd: (listen) => void process.on('disconnect', listen),
  },
  mine,
)

// Otherwise the process would end with the channel, and cut what it has accepted.
if (cluster.worker) cluster.worker.exitedAfterDisconnect = true
process.on('disconnect', () => {
  setTimeout(() => process.exit(1), orphanLife).unref()
  void end('the primary process is gone', 0)
})

primary.call('ready').catch(() => undefined)

let ending: Promise<void> | undefined

function end(reason: string, linger: number): Promise<void> {
  ending ??= (running?.stop(reason, linger) ?? Promise.resolve()).then(
    () => process.exit(0),
    (error: unknown) => {
      say(`mintage: stopping failed: ${error instanceof Error ? error.message : error}`)
      process.exit(1)
    },
  )
  return ending
}
