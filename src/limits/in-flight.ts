/** So many may wait for the outcome of others; more are sent away. */
const mostWaiting = 1_000

/**
 * The attempts under way in this process, by key. Who finds a budget full of attempts whose outcome is open waits for
 * one of them, since the good ones give back what they took: a crowd of right passwords is no attack.
 */
export class InFlight {
  readonly #counts = new Map<string, number>()
  readonly #waiting = new Map<string, (() => void)[]>()
  #waiters = 0

  begin(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  /** Lets the next one see what is left, and everybody when nothing is under way any more. */
  end(key: string): void {
    const left = (this.#counts.get(key) ?? 1) - 1
    const waiting = this.#waiting.get(key) ?? []
    if (left > 0) {
      this.#counts.set(key, left)
      waiting.shift()?.()
      return
    }
    this.#counts.delete(key)
    this.#waiting.delete(key)
    for (const wake of waiting) wake()
  }

  /** Resolves to true when an attempt has ended; to false when there is none to wait for, or no room to wait. */
  async wait(key: string): Promise<boolean> {
    if (!this.#counts.has(key) || this.#waiters >= mostWaiting) return false
    this.#waiters++
    await new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(key) ?? []
      this.#waiting.set(key, waiting)
      waiting.push(resolve)
    })
    this.#waiters--
    return true
  }
}
