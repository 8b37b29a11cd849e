import type {
  Aggregator,
  Counter,
  Histogram,
  MetricObjectWithValues,
  MetricValue,
  Registry,
} from 'prom-client'
import type { Step } from '../lib/watch.ts'
import type { Event } from './event.ts'
import { type MetricDefinition, type MetricName, metricDefinitions } from './metric-definitions.ts'

export type Labels = Readonly<Record<string, string>>

/** A value of a metric, and the labels of its series. */
export interface Sample {
  readonly value: number
  readonly labels?: Labels
}

/** A metric with all its series, as processes pass it to each other. */
export type MetricSamples = MetricObjectWithValues<MetricValue<string>>

/** prom-client takes gauges for counters by these names, which no reader of the format may. */
const misnamed = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
]

const definitions = Object.entries(metricDefinitions) as readonly (readonly [MetricName, MetricDefinition])[]

/** What prom-client keeps for us. */
interface Instruments {
  readonly registry: Registry
  readonly counters: ReadonlyMap<MetricName, Counter>
  readonly histograms: ReadonlyMap<MetricName, Histogram>
}

/**
 * What is counted and measured in this process, for Prometheus. Counters of business events come from the events,
 * after their commit; what has a value at any time is asked for when somebody reads it. The library is loaded by
 * {@link load} or the first reading, since a start should not wait for it; what happens before is kept until then.
 */
export class Metrics {
  readonly #readings = new Map<MetricName, () => readonly Sample[]>()
  #early: ((instruments: Instruments) => void)[] = []
  #instruments: Instruments | undefined
  #loading: Promise<Instruments> | undefined

  /** Counts an event. */
  readonly sink = (event: Event): void => {
    this.add('mintage_events_total', 1, { type: event.type })
    for (const [name, labels, amount] of countsOf(event)) this.add(name, amount, labels)
  }

  /** Counts `amount` more. */
  add(name: MetricName, amount = 1, labels: Labels = {}): void {
    this.#record(({ counters }) => counters.get(name)?.inc(bound(name, labels), amount))
  }

  /** Takes down that something took so long. */
  observe(name: MetricName, seconds: number, labels: Labels = {}): void {
    this.#record(({ histograms }) => histograms.get(name)?.observe(bound(name, labels), seconds))
  }

  /** Takes down how long a step took. */
  observeStep(step: Step, seconds: number): void {
    if (step === 'hash') this.observe('mintage_password_hash_duration_seconds', seconds)
    else if (step === 'sign') this.observe('mintage_signature_duration_seconds', seconds)
    else this.observe('mintage_database_duration_seconds', seconds, { kind: step })
  }

  /** From now on, whoever reads the metric gets what `read` answers at that moment. */
  follow(name: MetricName, read: () => number | readonly Sample[]): void {
    this.#readings.set(name, () => {
      const samples = read()
      return typeof samples === 'number' ? [{ value: samples }] : samples
    })
  }

  /** Loads the library, unless it is there, and hands it what has happened so far. */
  load(): Promise<Instruments> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  /** The text that Prometheus reads (exposition format 0.0.4), and its media type. */
  async render(): Promise<{ readonly contentType: string; readonly body: string }> {
    const { registry } = await this.load()
    return { contentType: registry.contentType, body: await registry.metrics() }
  }

  /** What {@link render} would tell, as values. */
  async samples(): Promise<readonly MetricSamples[]> {
    const { registry } = await this.load()
    return registry.getMetricsAsJSON()
  }

  #record(take: (instruments: Instruments) => void): void {
    if (this.#instruments) take(this.#instruments)
    else this.#early.push(take)
  }

  async #load(): Promise<Instruments> {
    const { default: client } = await import('prom-client')
    const instruments = createInstruments(client, (name) => this.#readings.get(name)?.() ?? [])
    this.#instruments = instruments
    for (const take of this.#early) take(instruments)
    this.#early = []
    return instruments
  }
}

function createInstruments(
  client: typeof import('prom-client'),
  read: (name: MetricName) => readonly Sample[],
): Instruments {
  const registry = new client.Registry()
  const counters = new Map<MetricName, Counter>()
  const histograms = new Map<MetricName, Histogram>()
  for (const [name, { kind, help, labels = {}, buckets = [], together }] of definitions) {
    const labelNames = Object.keys(labels)
    const aggregator: Aggregator = together ?? 'sum'
    const options = { name, help, labelNames, aggregator, registers: [registry] }
    if (kind === 'histogram') {
      histograms.set(name, new client.Histogram({ ...options, buckets: [...buckets] }))
    } else if (kind === 'gauge') {
      const gauge = new client.Gauge({
        ...options,
        collect() {
          for (const { labels = {}, value } of read(name)) this.set(labels, value)
        },
      })
      // Without a reading there is no value, and zero would be one.
      if (options.labelNames.length === 0) gauge.remove()
    } else {
      const counter = new client.Counter({
        ...options,
        collect() {
          for (const { labels = {}, value } of read(name)) {
            this.remove(labels)
            this.inc(labels, value)
          }
        },
      })
      // A counter that is there from the start shows its first step, which a rate would miss otherwise.
      for (const series of seriesOf(labels)) counter.inc(series, 0)
      counters.set(name, counter)
    }
  }
  client.collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
  return { registry, counters, histograms }
}

type Count = readonly [name: MetricName, labels?: Labels, amount?: number]

/** The counters of an event beyond that of its type. */
function countsOf(event: Event): readonly Count[] {
  switch (event.type) {
    case 'token.issued':
      return [['mintage_tokens_issued_total', { grant: event.grant }]]
    case 'session.started':
      return [['mintage_sessions_started_total']]
    case 'session.refreshed':
      return [['mintage_refreshes_total', { outcome: event.outcome }]]
    case 'session.adopted':
      return [['mintage_refresh_adoptions_total']]
    case 'session.foreign_client':
      return [['mintage_refresh_foreign_clients_total']]
    case 'session.reused':
      return [['mintage_refresh_reuses_total'], ['mintage_sessions_ended_total', { reason: 'reuse' }]]
    case 'session.revoked':
      return [['mintage_sessions_ended_total', { reason: event.reason }]]
    case 'sessions.revoked':
      return [['mintage_sessions_ended_total', { reason: event.reason }, event.count]]
    case 'access_token.revoked':
      return [['mintage_access_tokens_revoked_total']]
    case 'login.succeeded':
      return [['mintage_logins_total', { outcome: 'succeeded' }]]
    case 'login.failed':
      return [['mintage_logins_total', { outcome: event.reason }]]
    case 'client.authentication_failed':
      return [['mintage_client_authentication_failures_total', { reason: event.reason }]]
    default:
      return []
  }
}

/** Labels with no value that is not defined for them: `other` stands for the rest. */
function bound(name: MetricName, labels: Labels): Labels {
  const defined: MetricDefinition['labels'] = (metricDefinitions[name] as MetricDefinition).labels ?? {}
  for (const [label, value] of Object.entries(labels)) {
    const values = defined[label]
    if (Array.isArray(values) && !values.includes(value)) return { ...labels, [label]: 'other' }
  }
  return labels
}

/** Every series of labels whose values are all known; none when those of one are not. */
function seriesOf(labels: NonNullable<MetricDefinition['labels']>): readonly Labels[] {
  let series: readonly Labels[] = [{}]
  for (const [label, values] of Object.entries(labels)) {
    if (typeof values === 'string') return []
    series = values.flatMap((value) => series.map((each) => ({ ...each, [label]: value })))
  }
  return series
}
