import type { Metric, MetricObjectWithValues, MetricValue, Registry } from 'prom-client'
import type { Step } from '../lib/watch.ts'
import type { Event } from './event.ts'
import { type MetricDefinition, type MetricName, metricDefinitions } from './metric-definitions.ts'
import { boundsOf, type Labels, Tallies, type Timing } from './tallies.ts'

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

/**
 * What is counted and measured in this process, for Prometheus. Counters of business events come from the events,
 * after their commit; what has a value at any time is asked for when somebody reads it. The library that writes the
 * format is loaded by {@link load} or the first reading, since a start should not wait for it.
 */
export class Metrics {
  readonly #readings = new Map<MetricName, () => readonly Sample[]>()
  readonly #tallies = new Tallies()
  #loading: Promise<Registry> | undefined

  constructor() {
    // A counter that is there from the start shows its first step, which a rate would miss otherwise.
    for (const [name, { kind, labels = {} }] of definitions) {
      for (const series of seriesOf(labels)) {
        if (kind === 'counter') this.#tallies.add(name, 0, series)
        else if (kind === 'histogram') this.#tallies.open(name, series)
      }
    }
  }

  /** Counts an event. */
  readonly sink = (event: Event): void => {
    this.add('mintage_events_total', 1, { type: event.type })
    for (const [name, labels, amount] of countsOf(event)) this.add(name, amount, labels)
  }

  /** Counts `amount` more. */
  add(name: MetricName, amount = 1, labels: Labels = {}): void {
    this.#tallies.add(name, amount, labels)
  }

  /** Takes down that something took so long. */
  observe(name: MetricName, seconds: number, labels: Labels = {}): void {
    this.#tallies.observe(name, seconds, labels)
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

  /** Loads the library, unless it is there. */
  load(): Promise<Registry> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  /** The text that Prometheus reads (exposition format 0.0.4), and its media type. */
  async render(): Promise<{ readonly contentType: string; readonly body: string }> {
    const registry = await this.load()
    return { contentType: registry.contentType, body: await registry.metrics() }
  }

  /** What {@link render} would tell, as values. */
  async samples(): Promise<readonly MetricSamples[]> {
    const registry = await this.load()
    return registry.getMetricsAsJSON()
  }

  async #load(): Promise<Registry> {
    const { default: client } = await import('prom-client')
    const registry = new client.Registry()
    for (const [name, definition] of definitions) {
      const { kind: type, help, together: aggregator = 'sum' } = definition
      // Of a metric that keeps its own values the registry asks nothing else.
      const metric = {
        name,
        get: async () => ({ name, help, type, aggregator, values: this.#read(name).map(withLabels) }),
      }
      registry.registerMetric(metric as unknown as Metric)
    }
    client.collectDefaultMetrics({ register: registry })
    for (const name of misnamed) registry.removeSingleMetric(name)
    return registry
  }

  #read(name: MetricName): readonly Sample[] {
    const samples = [
      ...this.#tallies.counts(name),
      ...this.#tallies.timings(name).flatMap((timing) => toSamples(name, timing)),
    ]
    const read = this.#readings.get(name)?.() ?? []
    // What is read now stands for what was there from the start.
    const isRead = ({ labels = {} }: Sample) => read.some((other) => equal(labels, other.labels ?? {}))
    return [...samples.filter((sample) => !isRead(sample)), ...read]
  }
}

/** A histogram as the exposition format has it: its buckets hold those below them too. */
function toSamples(
  name: MetricName,
  { labels, within, sum }: Timing,
): readonly (Sample & { metricName: string })[] {
  let count = 0
  const buckets = [...boundsOf(name), '+Inf'].map((le, place) => {
    count += within[place] ?? 0
    return { metricName: `${name}_bucket`, labels: { le: String(le), ...labels }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}

/** Series are told apart by their labels, and whoever sums up several processes looks into all. */
function withLabels<Value extends Sample>(sample: Value): Value & { readonly labels: Labels } {
  return { ...sample, labels: sample.labels ?? {} }
}

function equal(one: Labels, other: Labels): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
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

/** Every series of labels whose values are all known; none when those of one are not. */
function seriesOf(labels: NonNullable<MetricDefinition['labels']>): readonly Labels[] {
  let series: readonly Labels[] = [{}]
  for (const [label, values] of Object.entries(labels)) {
    if (typeof values === 'string') return []
    series = values.flatMap((value) => series.map((each) => ({ ...each, [label]: value })))
  }
  return series
}
