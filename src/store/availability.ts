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
  readonly #returns = new Set<() => void>()
  /** By how much the database's time was ahead of the steady clock at most, when it was last read. */
  #lead: number | undefined

  /** With a clock that is not steady a time that jumps is time that has passed. */
  constructor(clock: Pick<Clock, 'steady'>) {
    this.#clock = clock
  }

  /** The steady clock, in milliseconds; undefined where there is none. To be read before the time is asked for. */
  steady(): number | undefined {
    return this.#clock.steady?.()
  }

  /** The node accepts requests from `now` on, in milliseconds since the epoch; `asked`: see {@link servingSince}. */
  begin(now: number, asked = this.steady()): void {
    this.#since = now
    if (asked !== undefined) this.#lead = now - asked
  }

  failed(): void {
    this.#down = true
  }

  /** Whether the database has not answered since its last failure. */
  get isDown(): boolean {
    return this.#down
  }

  /** Calls `listener` whenever the database is back after a failure, until the function that it returns is called. */
  onReturn(listener: () => void): () => void {
    this.#returns.add(listener)
    return () => this.#returns.delete(listener)
  }

  succeeded(now: number): void {
    if (!this.#down) return
    this.#down = false
    this.#since = now
    for (const listener of this.#returns) listener()
  }

  /**
   * Milliseconds since the epoch; `now` itself while the database has not answered since its last failure, and when the
   * clock was put forward since the last call: no client could use the time in between.
   * @param asked the steady clock when `now` was asked for. The answer may have taken a while in either direction, so
   *   only what no such while explains is a jump.
   */
  servingSince(now: number, asked = this.steady()): number {
    const answered = this.steady()
    if (asked !== undefined && answered !== undefined) {
      if (this.#lead !== undefined && now - answered - this.#lead > jump) this.#since = now
      this.#lead = now - asked
    }
    return this.#down ? now : this.#since
  }
}
