import type { Config } from '../config.ts'
import type { MetricSamples } from '../events/metrics.ts'
import type { Clock } from '../lib/clock.ts'
import type { WorkerPart } from './worker-part.ts'

/** An issuer that accepts requests. */
export interface RunningIssuer {
  /** Where it listens. */
  readonly url: string
  /** Its name: the `iss` of its tokens. */
  readonly issuer: string
  /** Where its admin listener listens; undefined without one. */
  readonly adminUrl: string | undefined
  /** What keeps it from serving; empty when nothing does. */
  problems(): Promise<readonly string[]>
  /** What it has measured, for who reads the numbers of several processes. */
  samples(): Promise<readonly MetricSamples[]>
  /**
   * Says no on `readyz`, accepts nothing new after `linger` milliseconds (0 by default), finishes what it has
   * accepted, and lets go of everything. `reason` is for the log.
   */
  stop(reason: string, linger?: number): Promise<void>
}

export interface StartOptions {
  readonly config: Config
  /** Where log lines go: 1 is stdout, 2 is stderr. */
  readonly logTo?: 1 | 2
  readonly clock?: Clock
  /** Makes what the issuer needs, once its address is known, and names it; without it the configuration does. */
  readonly prepare?: (url: string) => Promise<string>
  /** What it shares with others, where it is one of several processes that serve on one port. */
  readonly worker?: WorkerPart
}
