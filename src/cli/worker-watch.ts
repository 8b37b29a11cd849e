import { second } from '../lib/durations.ts'

/** How often a worker is asked whether it is there, in milliseconds. */
const interval = 5 * second

/** How many askings it may leave unanswered: far longer than anything that a worker does holds its event loop. */
const mostUnanswered = 3

/**
 * Calls `onSilence` once a worker no longer answers `ask`: it hangs, and will not end by itself. What counts are the
 * askings and not the time, so that a process that stood still itself accuses nobody.
 * @returns what ends the watch.
 */
export function watchWorker(ask: () => Promise<void>, onSilence: () => void): () => void {
  let unanswered = 0
  const timer = setInterval(() => {
    if (unanswered === mostUnanswered) {
      clearInterval(timer)
      onSilence()
      return
    }
    unanswered++
    ask().then(
      () => {
        unanswered = 0
      },
      // One that has ended needs no watch.
      () => undefined,
    )
  }, interval)
  return () => clearInterval(timer)
}
