import type { RunningIssuer } from '../compose.ts'
import { second } from '../lib/durations.ts'
import { say } from './output.ts'

/** How long a stopping issuer still answers whoever is connected, in milliseconds. */
const linger = second

/** When a stop that hangs is given up; supervisors kill after 10 s. In milliseconds. */
const deadline = 9.5 * second

/** Stops the issuer on SIGTERM or SIGINT, in order; a second signal ends the process at once. */
export function stopOnSignals(running: Pick<RunningIssuer, 'stop'>): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    setTimeout(() => {
      say('mintage: stopping took too long; what was still under way was cut.')
      process.exit(1)
    }, deadline).unref()
    running.stop(signal, linger).then(
      () => process.exit(0),
      (error: unknown) => {
        say(`mintage: stopping failed: ${error instanceof Error ? error.message : error}`)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
