import { second } from '../lib/durations.ts'

/** How often the line is written anew, in milliseconds. */
const interval = 100

/** One line on the terminal that tells how far something is; nothing at all where stderr is no terminal. */
export class Progress {
  readonly #what: string
  readonly #began = performance.now()
  #writtenAt = Number.NEGATIVE_INFINITY

  constructor(what: string) {
    this.#what = what
  }

  /** @param share how much of it is done, from 0 to 1; undefined where nobody knows how much there is. */
  update(count: number, unit: string, share?: number): void {
    const now = performance.now()
    if (!process.stderr.isTTY || now - this.#writtenAt < interval) return
    this.#writtenAt = now
    const elapsed = now - this.#began
    const parts = [
      `${this.#what}: ${count.toLocaleString('en')} ${unit}`,
      ...(share === undefined ? [] : [`${Math.floor(share * 100)} %`]),
      `${Math.round((count / elapsed) * second).toLocaleString('en')} a second`,
      ...(share === undefined || share <= 0 ? [] : [`${formatLeft((elapsed * (1 - share)) / share)} left`]),
    ]
    process.stderr.write(`\r\u001b[K${parts.join(', ')}`)
  }

  /** Takes the line away, so that what is said next stands by itself. */
  end(): void {
    if (this.#writtenAt === Number.NEGATIVE_INFINITY) return
    process.stderr.write('\r\u001b[K')
    this.#writtenAt = Number.NEGATIVE_INFINITY
  }
}

function formatLeft(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / second)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
