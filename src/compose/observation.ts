import type { Config } from '../config.ts'
import type { EventSink } from '../events/event.ts'
import { type Logger, logEvents } from '../events/log.ts'
import { Metrics, type Sample } from '../events/metrics.ts'
import type { Shedding } from '../events/shedding.ts'
import { createAdminApp } from '../http/admin.ts'
import type { Readiness } from '../http/health.ts'
import type { AnsweredRequest, RequestObserver } from '../http/middleware/observe.ts'
import type { Tracing } from '../http/middleware/trace.ts'
import { type HttpServer, ListenError, listen } from '../http/server.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Clock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'
import { readVersion } from '../lib/version.ts'
import { unwatched, type Watch } from '../lib/watch.ts'
import type { HashPool } from '../users/hash-pool.ts'
import { findTracing, traceSteps } from './tracing.ts'
import type { WorkerPart } from './worker-part.ts'

/** The admin listener is for a few, whatever the public one must bear. */
const adminConnections = 100

/** How long the admin listener waits for its last answer when the process stops, in milliseconds. */
const adminPatience = second

/** When what keeps the numbers is loaded, unless somebody asks before: the first requests come first. Milliseconds. */
const loadAfter = second

/** What is measured at the moment when somebody asks. */
export interface Observed {
  readonly server: HttpServer
  readonly hashes: HashPool
  readonly load: { readonly underWay: number }
  readonly shedding: Shedding
  readonly keys: KeyRing
  readonly clock: Clock
  readonly readiness: Readiness
  /** How many follow the stream of status events. */
  readonly subscribers?: () => number
}

/** Everything by which a process is observed: its log, its numbers and its spans. */
export interface Observation {
  /** Where the admin listener listens; undefined without one. */
  readonly adminUrl: string | undefined
  readonly sink: EventSink
  readonly watch: Watch
  readonly requests: RequestObserver | undefined
  readonly tracing: Tracing | undefined
  /** For what is measured elsewhere; undefined where nobody reads it. */
  readonly metrics: Metrics | undefined
  /** From now on the admin listener tells of these. */
  begin(observed: Observed): void
  close(): Promise<void>
}

/**
 * Binds the admin listener where the configuration has one, and sees whether an OpenTelemetry SDK was preloaded.
 * Without both, nothing is loaded and nothing measured. A worker measures what its primary process tells.
 * @throws {ListenError} when the address that was asked for cannot be had; without the default one it goes on.
 */
export async function openObservation(
  config: Config,
  logger: Logger,
  worker?: WorkerPart,
): Promise<Observation> {
  const admin = worker ? undefined : await listenForAdmin(config, logger)
  const metrics = (admin ?? worker?.isMeasured) ? new Metrics() : undefined
  const tracing = await findTracing()
  const log = logEvents(logger)
  let loading: NodeJS.Timeout | undefined
  if (admin) logger.info({ event: 'admin.listening', url: admin.url })
  return {
    adminUrl: admin?.url,
    sink: metrics
      ? (event) => {
          log(event)
          metrics.sink(event)
        }
      : log,
    watch: combine(metrics && measureSteps(metrics), tracing && traceSteps(tracing)),
    requests: metrics && countRequests(metrics),
    tracing,
    metrics,
    begin(observed) {
      if (!metrics) return
      followAll(metrics, observed)
      if (!worker) followAlone(metrics)
      const { readiness } = observed
      admin?.serve(createAdminApp({ logger, readiness, metrics }).callback())
      loading = setTimeout(() => {
        metrics.load().catch((error) => logger.error({ event: 'background.failed', err: error }))
      }, loadAfter).unref()
    },
    async close() {
      clearTimeout(loading)
      await admin?.close({ linger: 0, patience: adminPatience })
    },
  }
}

/** @returns undefined where there is to be no admin listener, or the default port is taken. */
export async function listenForAdmin(
  { adminHost: host, adminPort: port, adminPortChosen }: Config,
  logger: Logger,
): Promise<HttpServer | undefined> {
  if (port === undefined) return undefined
  const settings = { host: 'MINTAGE_ADMIN_HOST', port: 'MINTAGE_ADMIN_PORT, off for none' }
  try {
    return await listen({ host, port, maxConnections: adminConnections, settings })
  } catch (error) {
    // A second issuer on one machine was asked for; a second port for its numbers was not.
    if (adminPortChosen || !(error instanceof ListenError)) throw error
    logger.error({ event: 'admin.unavailable', message: error.message })
    return undefined
  }
}

function combine(inner: Watch = unwatched, outer: Watch = unwatched): Watch {
  if (outer === unwatched) return inner
  return (step, work) => outer(step, () => inner(step, work))
}

function measureSteps(metrics: Metrics): Watch {
  return async (step, work) => {
    const began = performance.now()
    try {
      return await work()
    } finally {
      metrics.observeStep(step, (performance.now() - began) / second)
    }
  }
}

function countRequests(metrics: Metrics): RequestObserver {
  let inFlight = 0
  metrics.follow('mintage_http_requests_in_flight', () => inFlight)
  return {
    began() {
      inFlight++
    },
    answered({ method, route, status, error, seconds }: AnsweredRequest) {
      inFlight--
      const series = { method, route, status: `${Math.floor(status / 100)}xx` }
      metrics.observe('mintage_http_request_duration_seconds', seconds, series)
      if (error !== undefined) metrics.add('mintage_errors_total', 1, { code: error, route })
    },
  }
}

/** The one process serves, as long as it answers. */
function followAlone(metrics: Metrics): void {
  metrics.follow('mintage_processes_serving', () => 1)
}

function followAll(metrics: Metrics, observed: Observed): void {
  const { server, hashes, load, shedding, keys, clock, subscribers } = observed
  if (subscribers) metrics.follow('mintage_status_subscribers', subscribers)
  metrics.follow('mintage_build_info', () => [
    { value: 1, labels: { version: readVersion(), node: process.version } },
  ])
  metrics.follow('mintage_http_connections', () => server.connections)
  metrics.follow('mintage_http_refusals_total', () =>
    [...server.refusals].map(([status, value]): Sample => ({ value, labels: { status: String(status) } })),
  )
  metrics.follow('mintage_password_hash_queue_length', () => hashes.waiting)
  metrics.follow('mintage_tokens_under_way', () => load.underWay)
  metrics.follow('mintage_requests_shed_total', () => shedding.samples())
  metrics.follow('mintage_signing_keys', () =>
    (['next', 'current', 'retired'] as const).map((state) => ({
      value: keys.record.keys.filter((key) => key.state === state).length,
      labels: { state },
    })),
  )
  metrics.follow('mintage_signing_key_age_seconds', () => {
    const current = keys.record.keys.find(({ state }) => state === 'current')
    if (!current || current.activatedAt === null) return []
    return Math.max(0, clock.now() - current.activatedAt) / second
  })
}
