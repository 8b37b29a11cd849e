import { type MetricDefinition, type MetricName, metricDefinitions } from './metric-definitions.ts'

export type Labels = Readonly<Record<string, string>>

/** How often something happened. */
export interface Count {
  readonly labels: Labels
  value: number
}

/** How long something took, in seconds. */
export interface Timing {
  readonly labels: Labels
  /** How often no more than each bound of the metric, and, last, how often more than all of them. */
  readonly within: number[]
  sum: number
}

/**
 * What this process has counted and timed, by metric and labels. A token adds to half a dozen of these, so that adding
 * must cost next to nothing; what Prometheus reads is made of them when it asks.
 */
export class Tallies {
  readonly #counts = new Map<string, Count>()
  readonly #timings = new Map<string, Timing>()
  readonly #byName = new Map<MetricName, (Count | Timing)[]>()

  add(name: MetricName, amount: number, labels: Labels): void {
    const count = this.#counts.get(keyOf(name, labels)) ?? this.#count(name, bound(name, labels))
    count.value += amount
  }

  observe(name: MetricName, seconds: number, labels: Labels): void {
    const timing = this.#timings.get(keyOf(name, labels)) ?? this.#timing(name, bound(name, labels))
    const bounds = boundsOf(name)
    let place = 0
    while (place < bounds.length && seconds > Number(bounds[place])) place++
    timing.within[place] = (timing.within[place] ?? 0) + 1
    timing.sum += seconds
  }

  /** Shows the timing though nothing was timed yet. */
  open(name: MetricName, labels: Labels): void {
    this.#timing(name, bound(name, labels))
  }

  counts(name: MetricName): readonly Count[] {
    return (this.#byName.get(name) ?? []).filter((tally) => 'value' in tally)
  }

  timings(name: MetricName): readonly Timing[] {
    return (this.#byName.get(name) ?? []).filter((tally) => 'within' in tally)
  }

  #count(name: MetricName, labels: Labels): Count {
    return this.#enter(this.#counts, name, labels, () => ({ labels, value: 0 }))
  }

  #timing(name: MetricName, labels: Labels): Timing {
    const create = () => ({ labels, within: new Array(boundsOf(name).length + 1).fill(0), sum: 0 })
    return this.#enter(this.#timings, name, labels, create)
  }

  #enter<Tally extends Count | Timing>(
    tallies: Map<string, Tally>,
    name: MetricName,
    labels: Labels,
    create: () => Tally,
  ): Tally {
    const key = keyOf(name, labels)
    const known = tallies.get(key)
    if (known) return known
    const tally = create()
    tallies.set(key, tally)
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), tally])
    return tally
  }
}

/** The upper bounds of a histogram, in seconds. */
export function boundsOf(name: MetricName): readonly number[] {
  return (metricDefinitions[name] as MetricDefinition).buckets ?? []
}

/** Whoever gives labels gives them in the same order each time; in another they are another name of one series. */
function keyOf(name: MetricName, labels: Labels): string {
  let key: string = name
  for (const label in labels) key += `\n${labels[label]}`
  return key
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
