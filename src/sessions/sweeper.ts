import { hour, minute, second } from '../lib/durations.ts'
import { knownFor } from '../limits/policy.ts'
import type { Store } from '../store/store.ts'

/** How many rows one step looks at. */
const batch = 1_000

/** Tombstones outlive the last access token of their session: its longest life, and as much again for the clocks. */
const tombstoneLife = 48 * hour

/** Every process has heard by then of what an operator cleared. */
const clearingLife = hour

/** Deletes what has expired, a small batch at a time, so that nobody waits for it. */
export class Sweeper {
  readonly #store: Store
  readonly #onError: (error: unknown) => void
  #after = ''
  #timer: NodeJS.Timeout | undefined
  #step: Promise<void> = Promise.resolve()
  #closed = false

  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  start(): void {
    this.#schedule(minute)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#step
  }

  /**
   * One step along the sessions, the refresh tokens that came from elsewhere, and what throttling counted.
   * @returns whether there is more to look at.
   */
  async sweep(): Promise<boolean> {
    const now = await this.#store.now()
    const next = await this.#store.sessions.deleteExpired(this.#after, batch, now - tombstoneLife)
    this.#after = next ?? ''
    await this.#store.foreignTokens.deleteExpired(now - tombstoneLife, batch)
    const kept = { forgotten: now - knownFor, cleared: now - clearingLife }
    const moreThrottles = await this.#store.throttles.deleteExpired(now, kept, batch)
    return next !== undefined || moreThrottles
  }

  #schedule(pause: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#step = this.sweep()
        .catch((error) => {
          this.#onError(error)
          return false
        })
        .then((more) => this.#schedule(more ? second : minute))
    }, pause)
    this.#timer.unref()
  }
}
