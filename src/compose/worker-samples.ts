import type { MetricSamples, Metrics } from '../events/metrics.ts'
import { second } from '../lib/durations.ts'

/** A process whose numbers are read. */
export interface SampledProcess {
  samples(): Promise<readonly MetricSamples[]>
}

/** How long a process may take to tell its numbers, in milliseconds; then those that it told last count. */
const patience = 2 * second

/**
 * The numbers of several processes as those of one server. What a process that ended had counted goes on counting, as far
 * as somebody had read it: a sum that falls would pass for a server that began anew.
 */
export class WorkerSamples {
  readonly #own: Metrics
  readonly #last = new Map<SampledProcess, readonly MetricSamples[]>()
  readonly #gone = new WeakSet<SampledProcess>()
  #ended: readonly MetricSamples[] = []

  /** @param own what the process measures that asks the others. */
  constructor(own: Metrics) {
    this.#own = own
  }

  /** The text that Prometheus reads, of these processes and those that have ended. */
  async render(processes: readonly SampledProcess[]): Promise<{ contentType: string; body: string }> {
    await Promise.all(processes.map((each) => this.#read(each)))
    const own = (await this.#own.samples()).filter(isOfAnyProcess).map(withoutOmission)
    const registry = await aggregate([own, ...this.#last.values(), this.#ended])
    return { contentType: registry.contentType, body: await registry.metrics() }
  }

  /** Keeps what a process has counted that is no more. */
  async end(process: SampledProcess): Promise<void> {
    // An answer that is on its way would count twice.
    this.#gone.add(process)
    const last = this.#last.get(process)
    if (!last) return
    this.#last.delete(process)
    const counted = last.filter(({ type }) => isCounted(`${type}`))
    const registry = await aggregate([this.#ended, counted])
    this.#ended = await registry.getMetricsAsJSON()
  }

  async #read(process: SampledProcess): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), patience)
    })
    const samples = await Promise.race([process.samples().catch(() => undefined), late])
    clearTimeout(timer)
    if (samples && !this.#gone.has(process)) this.#last.set(process, samples)
  }
}

async function aggregate(processes: readonly (readonly MetricSamples[])[]) {
  const { default: client } = await import('prom-client')
  return client.AggregatorRegistry.aggregate(processes.map((each) => [...each]))
}

/** How late the event loop of the process that only watches is, tells nothing of those that answer. */
function isOfAnyProcess({ name }: MetricSamples): boolean {
  return name.startsWith('mintage_') || name.startsWith('process_')
}

/** The library leaves the start of the process out, which is that of the server here. */
function withoutOmission(metric: MetricSamples): MetricSamples {
  return metric.name === 'process_start_time_seconds' ? { ...metric, aggregator: 'first' } : metric
}

/** The library's types say numbers, and are names. */
function isCounted(type: string): boolean {
  return type === 'counter' || type === 'histogram'
}
