import { hour, minute, second } from '../lib/durations.ts'
import { knownFor } from '../limits/policy.ts'
import type { Store } from '../store/store.ts'

/**
 * How many sessions one step looks at, and how many rows it deletes, at most. On SQLite everybody waits for it, and a session
 * that is deleted costs ten times its look: its row, and its place in four indexes, mostly a page of its own each.
 */
const step = { rows: 1_000, most: 32 }

/** How long it pauses, in times of what the step before took: after one that deleted something, and any other. */
const pauses = { busy: 4, idle: 49 }
const shortestPause = 10

/** Tombstones outlive the last access token of their session: its longest life, and as much again for the clocks. */
const tombstoneLife = 48 * hour

/** Every process has heard by then of what an operator cleared. */
const clearingLife = hour

/** What one step of a chore did. */
interface Progress {
  readonly deleted: boolean
  /** Whether there may be more to do. */
  readonly more: boolean
}

/** Deletes what has expired, a few rows at a time and a small share of the time, so that nobody waits for it. */
export class Sweeper {
  readonly #store: Store
  readonly #onError: (error: unknown) => void
  /** The sessions, the refresh tokens that came from elsewhere, and what throttling counted; one after the other. */
  readonly #chores = [
    (now: number) => this.#sweepSessions(now),
    (now: number) => this.#sweepForeignTokens(now),
    (now: number) => this.#sweepThrottles(now),
  ] as const
  #chore = 0
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
   * One step of the chore that it is at.
   * @returns how long to pause before the next, in milliseconds; undefined when all have been gone through.
   */
  async sweep(): Promise<number | undefined> {
    const now = await this.#store.now()
    const began = performance.now()
    const { deleted, more } = (await this.#chores[this.#chore]?.(now)) ?? { deleted: false, more: false }
    const took = performance.now() - began
    if (!more) this.#chore = (this.#chore + 1) % this.#chores.length
    if (!more && this.#chore === 0) return undefined
    return Math.min(second, Math.max(shortestPause, took * (deleted ? pauses.busy : pauses.idle)))
  }

  async #sweepSessions(now: number): Promise<Progress> {
    const { deleted, next } = await this.#store.sessions.deleteExpired(this.#after, step, now - tombstoneLife)
    this.#after = next ?? ''
    return { deleted: deleted > 0, more: next !== undefined }
  }

  async #sweepForeignTokens(now: number): Promise<Progress> {
    const more = await this.#store.foreignTokens.deleteExpired(now - tombstoneLife, step.most)
    return { deleted: more, more }
  }

  async #sweepThrottles(now: number): Promise<Progress> {
    const kept = { forgotten: now - knownFor, cleared: now - clearingLife }
    const more = await this.#store.throttles.deleteExpired(now, kept, step.most)
    return { deleted: more, more }
  }

  #schedule(pause: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#step = this.sweep()
        .catch((error) => {
          this.#onError(error)
          return undefined
        })
        .then((next) => this.#schedule(next ?? minute))
    }, pause)
    this.#timer.unref()
  }
}
