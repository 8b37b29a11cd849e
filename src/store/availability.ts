import type { Clock } from '../lib/clock.ts'

/** A clock that ran this far ahead of the steady one was set, or the machine slept; in milliseconds. */
const jump = 2_000

/**
 * Since when this node can serve: since it began to, or since the database came back. A retry window counts from
 * here at the earliest, so that an outage shortens nobody's.
 */
export class Availability {
  readonly #clock: Pick<Clock, 'steady'>
  #since = 0
  #down = false
  /** By how much `now` is ahead of the steady clock. */
  #lead: number | undefined

  /** With a clock that is not steady a time that jumps is time that has passed. */
  constructor(clock: Pick<Clock, 'steady'>) {
    this.#clock = clock
  }

  /** The node accepts requests from `now` on, in milliseconds since the epoch. */
  begin(now: number): void {
    this.#since = now
  }

  failed(): void {
    this.#down = true
  }

  /** Whether the database has not answered since its last failure. */
  get isDown(): boolean {
    return this.#down
  }

  succeeded(now: number): void {
    if (!this.#down) return
    this.#down = false
    this.#since = now
  }

  /**
   * Milliseconds since the epoch; `now` itself while the database has not answered since its last failure, and when the
   * clock was put forward since the last call: no client could use the time in between.
   */
  servingSince(now: number): number {
    const steady = this.#clock.steady?.()
    if (steady !== undefined) {
      const lead = now - steady
      if (lead - (this.#lead ?? lead) > jump) this.#since = now
      this.#lead = lead
    }
    return this.#down ? now : this.#since
  }
}
