/** How long to wait before the next try: doubling, and never the same for two who failed together. */
export class Backoff {
  readonly #least: number
  readonly #most: number
  #failures = 0

  /** Milliseconds. */
  constructor(least: number, most: number) {
    this.#least = least
    this.#most = most
  }

  reset(): void {
    this.#failures = 0
  }

  /** Milliseconds until the next try, somewhere in the upper half of the step. */
  next(): number {
    const step = Math.min(this.#least * 2 ** this.#failures++, this.#most)
    return step * (0.5 + Math.random() / 2)
  }
}

/** Waits without keeping the process alive. Resolves early when the signal says so. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = unref(setTimeout(done, milliseconds))
    signal.addEventListener('abort', done)
  })
}

/** Where timers are numbers, nothing is kept alive by one. */
export function unref<T>(timer: T): T {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref()
  }
  return timer
}
