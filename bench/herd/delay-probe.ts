/**
 * Loaded into the server with `--import`: each `SIGUSR2` appends what its event loop was late since the last one to
 * the file `BENCH_DELAYS`, a line of JSON, and begins anew. In nanoseconds.
 */
import { appendFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** What one line of the file says, in nanoseconds. */
export interface Delays {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const { BENCH_DELAYS: path } = process.env

// The hashing threads inherit the flag, and their loops are meant to be late.
if (isMainThread && path !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  process.on('SIGUSR2', () => {
    const { count, max } = histogram
    const delays: Delays = { count, p50: histogram.percentile(50), p99: histogram.percentile(99), max }
    appendFileSync(path, `${JSON.stringify(delays)}\n`)
    histogram.reset()
  })
}
