import type { Counter, Histogram, Registry } from 'prom-client'
import type { Step } from '../lib/watch.ts'
import type { Event } from './event.ts'
import { type MetricDefinition, type MetricName, metricDefinitions } from './metric-definitions.ts'

export type Labels = Readonly<Record<string, string>>

/** A value of a metric, and the labels of its series. */
export interface Sample {
  readonly value: number
  readonly labels?: Labels
}

/** prom-client takes gauges for counters by these names, which no reader of the format may. */
const misnamed = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
]

const definitions = Object.entries(metricDefinitions) as readonly (readonly [MetricName, MetricDefinition])[]

/**
 * What is counted and measured in this process, for Prometheus. Counters of business events come from the events,
 * after their commit; what has a value at any time is asked for when somebody reads it.
 */
export class Metrics {
  readonly contentType: string
  readonly #registry: Registry
  readonly #counters = new Map<MetricName, Counter>()
  readonly #histograms = new Map<MetricName, Histogram>()
  readonly #readings = new Map<MetricName, () => readonly Sample[]>()

  private constructor(client: typeof import('prom-client')) {
    this.#registry = new client.Registry()
    this.contentType = this.#registry.contentType
    for (const [name, definition] of definitions) this.#define(client, name, definition)
    client.collectDefaultMetrics({ register: this.#registry })
    for (const name of misnamed) this.#registry.removeSingleMetric(name)
  }

  /** The library is loaded here, since most starts of a command need none of it. */
  static async open(): Promise<Metrics> {
    const { default: client } = await import('prom-client')
    return new Metrics(client)
  }

  /** Counts an event. */
  readonly sink = (event: Event): void => {
    this.add('mintage_events_total', 1, { type: event.type })
    for (const [name, labels, amount] of countsOf(event)) this.add(name, amount, labels)
  }

  /** Counts `amount` more. */
  add(name: MetricName, amount = 1, labels: Labels = {}): void {
    this.#counters.get(name)?.inc(bound(name, labels), amount)
  }

  /** Takes down that something took so long. */
  observe(name: MetricName, seconds: number, labels: Labels = {}): void {
    this.#histograms.get(name)?.observe(bound(name, labels), seconds)
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

  /** The text that Prometheus reads (exposition format 0.0.4). */
  render(): Promise<string> {
    return this.#registry.metrics()
  }

  #define(client: typeof import('prom-client'), name: MetricName, definition: MetricDefinition): void {
    const { kind, help, labels = {}, buckets = [] } = definition
    const options = { name, help, labelNames: Object.keys(labels), registers: [this.#registry] }
    if (kind === 'histogram') {
      this.#histograms.set(name, new client.Histogram({ ...options, buckets: [...buckets] }))
    } else if (kind === 'gauge') {
      const collect = () => this.#collect(name, (sample) => gauge.set(sample.labels ?? {}, sample.value))
      const gauge = new client.Gauge({ ...options, collect })
    } else {
      const collect = () =>
        this.#collect(name, (sample, first) => {
          if (first) counter.reset()
          counter.inc(sample.labels ?? {}, sample.value)
        })
      const counter = new client.Counter({ ...options, collect })
      this.#counters.set(name, counter)
      // A counter that is there from the start shows its first step, which a rate would miss otherwise.
      for (const series of seriesOf(labels)) counter.inc(series, 0)
    }
  }

  #collect(name: MetricName, take: (sample: Sample, isFirst: boolean) => void): void {
    for (const [index, sample] of (this.#readings.get(name)?.() ?? []).entries()) take(sample, index === 0)
  }
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
