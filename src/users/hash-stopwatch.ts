/** So many costs are remembered; users of one origin have a handful. */
const mostCosts = 256

/** A hash of a lower cost is over before the clock and the compiler have settled. */
const leastTimedCost = 8

/**
 * Tells what a hash of another kind costs in iterations of bcrypt, on this machine. Of several measurements the least
 * counts: the thread was interrupted in the others.
 */
export class HashStopwatch {
  /** In milliseconds, monotonic. */
  readonly now: () => number
  /** Milliseconds, by the text that stands for a cost. */
  readonly #least = new Map<string, number>()
  /** Milliseconds. */
  #iteration = Number.POSITIVE_INFINITY

  constructor(now: () => number = () => performance.now()) {
    this.now = now
  }

  /** Takes note that bcrypt of this cost took so many milliseconds. */
  learn(cost: number, elapsed: number): void {
    if (cost >= leastTimedCost || this.#iteration === Number.POSITIVE_INFINITY)
      this.#iteration = Math.min(this.#iteration, elapsed / 2 ** cost)
  }

  /** @param work stands for the cost of the hash that took `elapsed` milliseconds just now. */
  toIterations(work: string, elapsed: number): number {
    const least = Math.min(elapsed, this.#least.get(work) ?? elapsed)
    if (this.#least.size >= mostCosts) this.#least.clear()
    this.#least.set(work, least)
    return Math.round(least / this.#iteration)
  }
}
