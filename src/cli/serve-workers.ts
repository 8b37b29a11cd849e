import { openPrimary } from '../compose/primary.ts'
import type { Config } from '../config.ts'
import { say } from './output.ts'
import { stopOnSignals } from './stop-signals.ts'
import { WorkerPool } from './worker-pool.ts'

/**
 * Serves with `count` processes on one port, of which this one is none. Resolves when all of them accept requests.
 * @throws as {@link startIssuer}, for what stops this process or a worker from starting.
 */
export async function serveWithWorkers(config: Config, count: number): Promise<void> {
  const primary = await openPrimary(config)
  const pool = new WorkerPool({
    config,
    count,
    primary,
    onFailure(error) {
      say(`mintage: no worker can be started: ${error instanceof Error ? error.message : error}`)
      process.exit(1)
    },
  })
  process.on('exit', () => pool.kill())
  let url: string
  try {
    url = await pool.start()
  } catch (error) {
    pool.kill()
    await primary.close()
    throw error
  }
  primary.begin(() => pool.serving)
  stopOnSignals({
    async stop(reason, linger = 0) {
      primary.drain(reason)
      await pool.stop(reason, linger)
      await primary.close()
    },
  })
  const ready = { event: 'listening', url, issuer: primary.issuer, workers: count }
  primary.write(`${JSON.stringify(ready)}\n`)
}
