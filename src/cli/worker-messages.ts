import type { HandedConfig } from '../compose/worker-config.ts'
import type { RunningIssuer, StartOptions } from '../compose.ts'

type WorkerPart = NonNullable<StartOptions['worker']>
type CounterHost = WorkerPart['counters']

/** What the primary process calls in a worker. */
export interface WorkerProcedures {
  /** Starts it, and tells where it listens. Throws as a start does. */
  start(config: HandedConfig, isMeasured: boolean): Promise<{ readonly url: string }>
  /** Whether its event loop turns. */
  ping(): Promise<void>
  problems: RunningIssuer['problems']
  samples: RunningIssuer['samples']
  /** See {@link RunningIssuer.stop}; the process ends afterwards. */
  stop(reason: string, linger: number): Promise<void>
}

/** What a worker calls in the primary process. */
export interface PrimaryProcedures extends Pick<CounterHost, 'take' | 'giveBack'> {
  /** It listens to calls: what is sent to a module that is still being loaded would be lost. */
  ready(): void
}
