import type { Clock } from '../lib/clock.ts'
import { day } from '../lib/durations.ts'
import type { Store } from '../store/store.ts'
import { knownFor, knownNetworks } from './policy.ts'

/** How many places this process remembers; those that were seen last. */
const mostRemembered = 20_000

/** A place that was seen is written again after so long, in milliseconds. */
const freshFor = day

/** Knows at which networks a subject proved itself before. */
export class KnownNetworks {
  readonly #store: Store
  readonly #clock: Clock
  /** When a subject was seen at a place, as far as this process knows. */
  readonly #seen = new Map<string, number>()

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** What this process knows by itself. */
  isRemembered(subject: string, network: string): boolean {
    return this.#isWithin(this.#seen.get(`${subject}@${network}`), knownFor)
  }

  /** @throws {StoreUnavailableError} when the database cannot be used. */
  async isKnown(subject: string, network: string): Promise<boolean> {
    if (this.isRemembered(subject, network)) return true
    const seenAt = await this.#store.throttles.seenAt(subject, network)
    if (seenAt === undefined || !this.#isWithin(seenAt, knownFor)) return false
    this.#remember(`${subject}@${network}`, seenAt)
    return true
  }

  /** Whether what is written of it is old, or nothing is. */
  isDue(subject: string, network: string): boolean {
    return !this.#isWithin(this.#seen.get(`${subject}@${network}`), freshFor)
  }

  /** Takes down that the subject has just proved itself there. */
  async learn(subject: string, network: string): Promise<void> {
    if (!this.isDue(subject, network)) return
    const now = this.#clock.now()
    // First, for others come while it is being written.
    this.#remember(`${subject}@${network}`, now)
    try {
      await this.#store.transaction((tx) => tx.throttles.see(subject, network, now, knownNetworks))
    } catch (error) {
      this.#seen.delete(`${subject}@${network}`)
      throw error
    }
  }

  #isWithin(seenAt: number | undefined, life: number): boolean {
    return seenAt !== undefined && Math.abs(this.#clock.now() - seenAt) < life
  }

  #remember(place: string, at: number): void {
    this.#seen.delete(place)
    this.#seen.set(place, at)
    if (this.#seen.size <= mostRemembered) return
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest)
      return
    }
  }
}
