import { ClientDirectory } from '../clients/client-directory.ts'
import { type Config, ConfigError, missingIssuer } from '../config.ts'
import { createLogger, linesOf, logEvents } from '../events/log.ts'
import { Metrics } from '../events/metrics.ts'
import { createAdminApp } from '../http/admin.ts'
import { createVaults } from '../keys/installed-vault.ts'
import { KeyRing } from '../keys/key-ring.ts'
import { systemClock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'
import { type CounterHost, SharedCounters } from '../limits/shared-counters.ts'
import { openStore } from '../store/store.ts'
import { Duties } from './duties.ts'
import { listenForAdmin } from './observation.ts'
import { keyPolicy, warnOfMissingClients } from './policies.ts'
import { type SampledProcess, WorkerSamples } from './worker-samples.ts'

/** A worker, as the primary process knows it. */
export interface WorkerView extends SampledProcess {
  /** What keeps it from serving; empty when nothing does. */
  problems(): Promise<readonly string[]>
}

/** What the primary process of several logs of them. */
export type WorkerEvent =
  | { readonly event: 'worker.started'; readonly worker: number; readonly pid: number | undefined }
  | { readonly event: 'worker.silent'; readonly worker: number; readonly pid: number | undefined }
  | {
      readonly event: 'worker.ended'
      readonly worker: number
      readonly pid: number | undefined
      /** The exit code, or the signal that killed it. */
      readonly code: number | null
      readonly signal: string | null
      /** After how many milliseconds it is started again. */
      readonly again: number
    }
  | {
      readonly event: 'worker.failed'
      readonly worker: number
      readonly message: string
      readonly again: number
    }

/** The process that starts workers: it answers no request, and does what one process does for all. */
export interface Primary {
  readonly issuer: string
  readonly counters: CounterHost
  /** Whether the admin listener is there, and so somebody who reads what workers measure. */
  readonly isMeasured: boolean
  /** Writes lines that a worker has formed, or whoever starts it, to the log. */
  write(lines: string): void
  log(event: WorkerEvent): void
  /** From now on it tells of the workers that `list` names. */
  begin(list: () => readonly WorkerView[]): void
  /** A worker is no more. */
  ended(worker: WorkerView): void
  /** Says no on `readyz`. `reason` is for the log. */
  drain(reason: string): void
  /** Lets go of everything, when the workers have ended. */
  close(): Promise<void>
}

/** How long a worker may take to tell whether it can serve, in milliseconds: longer than its own checks. */
const probePatience = second

/** The admin listener waits so long for its last answer, in milliseconds. */
const adminPatience = second

/** What the primary does needs few connections to PostgreSQL. */
const pool = 2

/**
 * Checks what a start checks, brings the schema up to date, makes the first keys, and begins what one process does for
 * all: sealing the audit trail, keeping the high-water mark, deleting what is old, counting attempts.
 * @throws as {@link startIssuer}.
 */
export async function openPrimary(config: Config): Promise<Primary> {
  const { issuer } = config
  if (issuer === undefined) throw new ConfigError([missingIssuer])
  const logger = createLogger(config.logLevel)
  for (const warning of config.warnings) logger.warn({ event: 'config.warning', message: warning })
  const onError = (error: unknown) => logger.error({ event: 'background.failed', err: error })
  const clock = systemClock
  const metrics = new Metrics()
  const log = logEvents(logger)
  const store = await openStore({
    url: config.databaseUrl,
    pool,
    onEvent: (event) => {
      log(event)
      metrics.sink(event)
    },
  })
  const vault = createVaults(config, store).configured
  const duties = new Duties({ config, store, vault, logger, onError })
  const prepare = async () => {
    await vault.confirm(store.secrets)
    await duties.begin()
    const keys = await KeyRing.open({ store, vault, policy: keyPolicy(config), clock, onError })
    await keys.close()
    await warnOfMissingClients(config, new ClientDirectory(store), logger)
    return listenForAdmin(config, logger)
  }
  const admin = await prepare().catch(async (error) => {
    await store.close()
    throw error
  })
  if (admin) logger.info({ event: 'admin.listening', url: admin.url })
  const counters = new SharedCounters(store, clock, onError)
  const samples = new WorkerSamples(metrics)
  const lines = linesOf(logger)
  let draining = false
  return {
    issuer,
    counters,
    isMeasured: admin !== undefined,
    write: (text) => lines.write(text),
    log(event) {
      if (event.event === 'worker.started') logger.info(event)
      else logger.error(event)
      if (event.event === 'worker.ended') metrics.add('mintage_worker_ends_total')
    },
    begin(list) {
      duties.start()
      metrics.follow('mintage_processes_serving', () => list().length)
      const readiness = { problems: () => findProblems(list(), draining) }
      const exposition = { render: () => samples.render(list()) }
      admin?.serve(createAdminApp({ logger, readiness, metrics: exposition }).callback())
    },
    ended(worker) {
      samples.end(worker).catch(onError)
    },
    drain(reason) {
      draining = true
      logger.info({ event: 'stopping', reason })
    },
    async close() {
      await admin?.close({ linger: 0, patience: adminPatience })
      await duties.rest()
      await counters.close()
      await duties.close()
      await store.close()
      if (draining) logger.info({ event: 'stopped' })
    },
  }
}

/** What keeps any of the workers from serving, since each request may go to any. One that is not there gets none. */
async function findProblems(workers: readonly WorkerView[], draining: boolean): Promise<readonly string[]> {
  const found = await Promise.all(workers.map(probe))
  return [
    ...new Set([
      ...(draining ? ['draining'] : []),
      ...(workers.length === 0 ? ['workers'] : []),
      ...found.flat(),
    ]),
  ]
}

async function probe(worker: WorkerView): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve(['workers']), probePatience)
  })
  const problems = await Promise.race([worker.problems().catch(() => []), late])
  clearTimeout(timer)
  return problems
}
