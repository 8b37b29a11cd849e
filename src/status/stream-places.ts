/** Who wants a place. */
export interface Visitor {
  /** Whether it has authenticated as a client: it has a place whatever strangers do. */
  readonly isAuthenticated: boolean
  /** Where it comes from: an IPv4 address or an IPv6 /64; undefined for this machine, which is not counted. */
  readonly network: string | undefined
}

/**
 * The places of the stream. A stranger's network has a tenth of them at most, and when all are taken a client that
 * authenticates gets that of a stranger, so that strangers can't keep those out who belong here.
 */
export class StreamPlaces<Subscriber> {
  readonly #limit: number
  readonly #perNetwork: number
  readonly #evict: (subscriber: Subscriber) => void
  readonly #visitors = new Map<Subscriber, Visitor>()
  readonly #strangers = new Map<string, Set<Subscriber>>()

  constructor(limit: number, evict: (subscriber: Subscriber) => void) {
    this.#limit = limit
    this.#perNetwork = Math.max(1, Math.floor(limit / 10))
    this.#evict = evict
  }

  get size(): number {
    return this.#visitors.size
  }

  all(): Iterable<Subscriber> {
    return this.#visitors.keys()
  }

  /** @returns what to call when it is gone; undefined when there is no place. */
  enter(subscriber: Subscriber, visitor: Visitor): (() => void) | undefined {
    const { isAuthenticated, network } = visitor
    const neighbours = this.#strangers.get(network ?? '')?.size ?? 0
    if (!isAuthenticated && network !== undefined && neighbours >= this.#perNetwork) return undefined
    if (this.#visitors.size >= this.#limit && !(isAuthenticated && this.#makeRoom())) return undefined
    this.#visitors.set(subscriber, visitor)
    if (!isAuthenticated) {
      const strangers = this.#strangers.get(network ?? '') ?? new Set()
      this.#strangers.set(network ?? '', strangers.add(subscriber))
    }
    return () => this.#leave(subscriber)
  }

  #leave(subscriber: Subscriber): void {
    const visitor = this.#visitors.get(subscriber)
    if (!visitor) return
    this.#visitors.delete(subscriber)
    if (visitor.isAuthenticated) return
    const strangers = this.#strangers.get(visitor.network ?? '')
    strangers?.delete(subscriber)
    if (strangers?.size === 0) this.#strangers.delete(visitor.network ?? '')
  }

  /** Ends the newest stranger of the network that has most; those of this machine last. */
  #makeRoom(): boolean {
    const networks = [...this.#strangers].sort(
      ([a, one], [b, other]) => Number(a === '') - Number(b === '') || other.size - one.size,
    )
    const newest = [...(networks[0]?.[1] ?? [])].at(-1)
    if (newest === undefined) return false
    this.#leave(newest)
    this.#evict(newest)
    return true
  }
}
