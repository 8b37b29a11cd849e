import { OverloadedError, retryAfter, type ShedReason } from './overloaded-error.ts'

export interface QueueOptions {
  /** How much is done at a time. */
  readonly places: number
  /** How much may wait for a place. */
  readonly length: number
  /** How long it may wait at most, in milliseconds; undefined: for as long as it takes. */
  readonly patience?: number | undefined
  /** Is told of whatever is left undone. */
  readonly onShed?: ((reason: ShedReason) => void) | undefined
  /** A time that only goes forward, in milliseconds. */
  readonly now?: () => number
}

interface Waiting {
  readonly since: number
  readonly begin: () => void
  readonly refuse: (reason: ShedReason) => void
}

/** How often those who wait are looked through while the longest wait lasts. */
const looks = 20

/** The part of the longest wait that is left when more comes than can be done. */
const hurry = 5

/**
 * Does so much at a time; the rest waits, in bounds of number and of time, and what has waited too long is not begun.
 *
 * A queue that was never empty for as long as somebody may wait is no longer a wave that passes: more comes than can be
 * done. From then on each waits a fifth of the time, and whoever came last goes first, for the others have the
 * shorter patience left: those that are served are served at once, and no work is done for those that have given up
 * (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10(5), and adaptive LIFO).
 */
export class BoundedQueue {
  readonly #options: QueueOptions
  readonly #now: () => number
  readonly #waiting: Waiting[] = []
  #running = 0
  /** Since when somebody has been waiting all the time. */
  #standingSince = 0
  #looking: NodeJS.Timeout | undefined

  constructor(options: QueueOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** How much waits now. */
  get length(): number {
    return this.#waiting.length
  }

  /** Whether whatever comes now is refused. */
  get isFull(): boolean {
    const { places, length } = this.#options
    return this.#running >= places && this.#waiting.length >= length
  }

  /** @throws {OverloadedError} where {@link run} would refuse at once. */
  check(signal?: AbortSignal): void {
    if (signal?.aborted) throw this.#refusal('gone')
    if (this.isFull) throw this.#refusal('full')
  }

  /**
   * Does the work when there is a place for it.
   * @param signal when it aborts while the work waits, the work is not done.
   * @throws {OverloadedError} before any of it is done.
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.check(signal)
    if (this.#running < this.#options.places) this.#running++
    else await this.#wait(signal)
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** Whoever waits now is refused as too late. */
  clear(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.refuse('late')
    this.#rest()
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const now = this.#now()
      const abandon = () => {
        const index = this.#waiting.indexOf(waiting)
        if (index === -1) return
        this.#waiting.splice(index, 1)
        waiting.refuse('gone')
        this.#rest()
      }
      const waiting: Waiting = {
        since: now,
        begin() {
          signal?.removeEventListener('abort', abandon)
          resolve()
        },
        refuse: (reason) => {
          signal?.removeEventListener('abort', abandon)
          reject(this.#refusal(reason))
        },
      }
      signal?.addEventListener('abort', abandon)
      if (this.#waiting.length === 0) this.#standingSince = now
      this.#waiting.push(waiting)
      const { patience } = this.#options
      if (patience !== undefined) this.#looking ??= setInterval(() => this.#dropLate(), patience / looks)
    })
  }

  /** The place goes to whoever is next. */
  #leave(): void {
    this.#dropLate()
    const next = this.#isOverloaded() ? this.#waiting.pop() : this.#waiting.shift()
    if (next) next.begin()
    else this.#running--
    this.#rest()
  }

  #dropLate(): void {
    const { patience } = this.#options
    if (patience === undefined) return
    const longest = this.#isOverloaded() ? patience / hurry : patience
    const now = this.#now()
    for (let first = this.#waiting[0]; first && now - first.since > longest; first = this.#waiting[0]) {
      this.#waiting.shift()
      first.refuse('late')
    }
    this.#rest()
  }

  #isOverloaded(): boolean {
    const { patience = Number.POSITIVE_INFINITY } = this.#options
    return this.#waiting.length > 0 && this.#now() - this.#standingSince > patience
  }

  /** Nobody is looked for where nobody waits. */
  #rest(): void {
    if (this.#waiting.length > 0) return
    clearInterval(this.#looking)
    this.#looking = undefined
  }

  /** Takes down that something was left undone. @returns after how many seconds it may come again. */
  refuse(reason: ShedReason): number {
    const { patience = 0, onShed } = this.#options
    onShed?.(reason)
    return retryAfter(patience)
  }

  #refusal(reason: ShedReason): OverloadedError {
    const { places, length } = this.#options
    return new OverloadedError(explain(reason, places, length), reason, this.refuse(reason))
  }
}

function explain(reason: ShedReason, places: number, length: number): string {
  if (reason === 'full') return `${length} wait for ${places} places; allow more of either, or try again.`
  if (reason === 'late') return `None of ${places} places became free in time; allow more, or try again.`
  return 'Whoever asked for it has gone.'
}
