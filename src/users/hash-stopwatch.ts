/** So many costs are remembered; users of one origin have a handful. */
const mostCosts = 256

/** Of so many measurements of one cost, the newest, the median counts: a thread is interrupted now and then. */
const window = 15

/**
 * Tells what a hash of another kind costs in iterations of bcrypt, on this machine. Both are timed in one breath, so that
 * a machine that is busy slows both and their ratio stays.
 */
export class HashStopwatch {
  /** In milliseconds, monotonic. */
  readonly now: () => number
  /** The ratios, by the text that stands for a cost. */
  readonly #measured = new Map<string, number[]>()

  constructor(now: () => number = () => performance.now()) {
    this.now = now
  }

  /**
   * @param work stands for the cost of the hash that took `elapsed` milliseconds just now.
   * @param iteration what one of bcrypt took right after, in milliseconds.
   */
  toIterations(work: string, elapsed: number, iteration: number): number {
    if (this.#measured.size >= mostCosts && !this.#measured.has(work)) this.#measured.clear()
    const ratios = [...(this.#measured.get(work) ?? []), elapsed / iteration].slice(-window)
    this.#measured.set(work, ratios)
    return Math.round(ratios.toSorted((a, b) => a - b)[Math.floor((ratios.length - 1) / 2)] ?? 0)
  }
}
