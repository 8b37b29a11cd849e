import type { CounterHost } from '../limits/shared-counters.ts'

/** What a process that is one of several on one port has from the one that started it. */
export interface WorkerPart {
  /** Counts the attempts of all of them. */
  readonly counters: CounterHost
  /** Whether somebody reads what is measured. */
  readonly isMeasured: boolean
}
