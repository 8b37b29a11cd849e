import type { Clock } from '../lib/clock.ts'

/** Keys of which something was heard, each until its time; the oldest is forgotten past so many. */
const most = 20_000

/** Remembers, of some keys, until when. */
export class Suspects {
  readonly #clock: Clock
  readonly #until = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isEmpty(): boolean {
    return this.#until.size === 0
  }

  /** For how many milliseconds more the key is remembered; 0 when it is not. */
  left(key: string): number {
    const until = this.#until.get(key)
    if (until === undefined) return 0
    const left = until - this.#clock.now()
    if (left <= 0) this.#until.delete(key)
    return Math.max(0, left)
  }

  has(key: string): boolean {
    return this.left(key) > 0
  }

  /** @param life in milliseconds. */
  add(key: string, life: number): void {
    this.#until.delete(key)
    this.#until.set(key, this.#clock.now() + life)
    if (this.#until.size <= most) return
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest)
      return
    }
  }

  forget(isMeant: (key: string) => boolean): void {
    for (const key of this.#until.keys()) if (isMeant(key)) this.#until.delete(key)
  }
}
