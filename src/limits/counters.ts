import type { RateLimiterMemory, RateLimiterPostgres } from 'rate-limiter-flexible'
import { second } from '../lib/durations.ts'
import type { CountClient } from '../store/count-client.ts'

/** How many were counted in a window, and for how many milliseconds they count from now on. */
export interface Count {
  readonly count: number
  readonly left: number
  /** When the window ends, in milliseconds since the epoch, give or take {@link blur}. */
  readonly until: number
}

/** How far the ends of one window may seem apart, in milliseconds. Windows are minutes. */
const blur = second

/** Counts by key, each in a window that begins with its first count. Counting and telling are one step. */
export interface Counters {
  /** Counts one more. @param window in milliseconds. */
  take(key: string, window: number): Promise<Count>
  /** Counts one less in the window that ends at `until`, if it still runs. */
  giveBack(key: string, window: number, until: number): Promise<void>
  /** Forgets what this process remembers by itself. */
  forget(isMeant: (key: string) => boolean): void
  /** Counts so many at once, where this process alone counts: what was counted before it began. */
  restore(key: string, count: number, window: number): Promise<void>
}

/** Counts on the database that all nodes have. */
export class DatabaseCounters implements Counters {
  readonly #client: CountClient
  #limiter: Promise<RateLimiterPostgres> | undefined

  constructor(client: CountClient) {
    this.#client = client
  }

  /** @throws {StoreUnavailableError} when the database cannot be used. */
  async take(key: string, window: number): Promise<Count> {
    const limiter = await this.#load()
    const { consumedPoints, msBeforeNext } = await limiter.penalty(key, 1, options(window))
    return { count: consumedPoints, left: msBeforeNext, until: Date.now() + msBeforeNext }
  }

  /** @throws {StoreUnavailableError} when the database cannot be used. */
  async giveBack(key: string, _window: number, until: number): Promise<void> {
    // The library would begin a window with less than nothing in it, and so let more guesses through.
    await this.#client.giveBack(key, Date.now(), until + blur)
  }

  forget(): void {
    // Whoever clears has deleted the rows.
  }

  async restore(): Promise<void> {
    // The rows are where they were.
  }

  #load(): Promise<RateLimiterPostgres> {
    this.#limiter ??= import('rate-limiter-flexible/lib/RateLimiterPostgres.js').then(
      ({ default: Limiter }) =>
        new Limiter({
          storeClient: this.#client,
          // Whatever has a `query` of its own, as a pool has.
          storeType: 'pool',
          tableName: 'throttle_counts',
          tableCreated: true,
          clearExpiredByTimeout: false,
          ...unlimited,
        }),
    )
    return this.#limiter
  }
}

/** How many names and networks are counted in memory. */
export const mostCounted = 20_000

/** How many keys are looked at to find one to forget. */
const sample = 32

/** Counts in the memory of one process, for `most` keys. */
export class MemoryCounters implements Counters {
  readonly #most: number
  /** What the library counts, by key, in the order of their beginning: it does not tell by itself. */
  readonly #known = new Map<string, { count: number; readonly until: number }>()
  #limiter: Promise<RateLimiterMemory> | undefined

  constructor(most: number) {
    this.#most = most
  }

  async take(key: string, window: number): Promise<Count> {
    const limiter = await this.#load()
    this.#makeRoom(limiter, key)
    const { consumedPoints, msBeforeNext } = await limiter.penalty(key, 1, options(window))
    this.#note(key, consumedPoints, msBeforeNext)
    return { count: consumedPoints, left: msBeforeNext, until: Date.now() + msBeforeNext }
  }

  async giveBack(key: string, window: number, until: number): Promise<void> {
    const limiter = await this.#load()
    const known = this.#known.get(key)
    // What was forgotten meanwhile, has ended, or began anew has nothing to give back.
    if (!known || known.until <= Date.now() || known.until > until + blur) return
    const { consumedPoints, msBeforeNext } = await limiter.reward(key, 1, options(window))
    if (consumedPoints > 0) this.#note(key, consumedPoints, msBeforeNext)
    else this.#delete(limiter, key)
  }

  forget(isMeant: (key: string) => boolean): void {
    const meant = [...this.#known.keys()].filter(isMeant)
    this.#limiter?.then((limiter) => {
      for (const key of meant) this.#delete(limiter, key)
    })
  }

  async restore(key: string, count: number, window: number): Promise<void> {
    const limiter = await this.#load()
    this.#makeRoom(limiter, key)
    await limiter.set(key, count, window / second)
    this.#note(key, count, window)
  }

  /** How many keys are counted. */
  get size(): number {
    return this.#known.size
  }

  #note(key: string, count: number, left: number): void {
    const known = this.#known.get(key)
    if (known && known.until > Date.now()) known.count = count
    else {
      this.#known.delete(key)
      this.#known.set(key, { count, until: Date.now() + left })
    }
  }

  /**
   * Forgets a key before there is one too many: one that has expired, or else, of the oldest, the one with the fewest
   * counts. Whoever invents names forgets those that were invented before, not the one that is nearly used up.
   */
  #makeRoom(limiter: RateLimiterMemory, key: string): void {
    if (this.#known.size < this.#most || this.#known.has(key)) return
    const now = Date.now()
    let fewest: readonly [key: string, count: number] | undefined
    let looked = 0
    for (const [candidate, { count, until }] of this.#known) {
      const weight = until <= now ? 0 : count
      if (!fewest || weight < fewest[1]) fewest = [candidate, weight]
      if (weight === 0 || ++looked === sample) break
    }
    if (fewest) this.#delete(limiter, fewest[0])
  }

  #delete(limiter: RateLimiterMemory, key: string): void {
    this.#known.delete(key)
    void limiter.delete(key)
  }

  #load(): Promise<RateLimiterMemory> {
    this.#limiter ??= import('rate-limiter-flexible/lib/RateLimiterMemory.js').then(
      ({ default: Limiter }) => new Limiter(unlimited),
    )
    return this.#limiter
  }
}

/** The library only counts: what is too much depends on who asks. */
const unlimited = { points: Number.MAX_SAFE_INTEGER, duration: 1, keyPrefix: '' }

function options(window: number): { readonly customDuration: number } {
  return { customDuration: window / second }
}
