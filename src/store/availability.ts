/**
 * Since when this node can serve: since it began to, or since the database came back. A retry window counts from
 * here at the earliest, so that an outage shortens nobody's.
 */
export class Availability {
  #since = 0
  #down = false

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

  /** Milliseconds since the epoch; `now` itself while the database has not answered since its last failure. */
  servingSince(now: number): number {
    return this.#down ? now : this.#since
  }
}
