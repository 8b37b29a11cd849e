import type { RunningIssuer } from '../compose.ts'
import { say } from './output.ts'

/** Stops the issuer on SIGTERM or SIGINT, in order; a second signal ends the process at once. */
export function stopOnSignals(running: RunningIssuer): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    running.stop(signal).then(
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
