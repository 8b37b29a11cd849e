import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { minute } from '../lib/durations.ts'
import type { Store } from '../store/store.ts'
import type { StatusFollower } from './follower.ts'

const compress = promisify(deflate)

/** How many changes stay in the log, so that verifiers and processes that were away can resume. */
const keptChanges = 10_000

export interface UpkeepOptions {
  readonly store: Store
  readonly follower: StatusFollower
  /** Called once in a while, for whatever is kept in memory. */
  readonly tidy: () => void
  readonly onError: (error: unknown) => void
}

/** Retires the lists that nothing refers to, and keeps the log short. Any number of processes may do it at once. */
export class StatusUpkeep {
  readonly #options: UpkeepOptions
  #timer: NodeJS.Timeout | undefined
  #step: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#closed) return
    // Not in step with the other processes.
    this.#timer = setTimeout(
      () => {
        this.#step = this.run()
          .catch(this.#options.onError)
          .then(() => this.start())
      },
      minute * (0.75 + Math.random() / 2),
    )
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#step
  }

  /** One round. `kept` is how many changes stay in the log. */
  async run(kept = keptChanges): Promise<void> {
    const { store, tidy } = this.#options
    const isAnyNeedless = await store.status.isAnyNeedless(await store.now())
    if (isAnyNeedless) await store.transaction((tx) => tx.status.retire(tx.now))
    tidy()
    await this.#shorten(kept)
  }

  /** Saves the bits of what changed, so that the changes themselves can go. */
  async #shorten(kept: number): Promise<void> {
    const { store, follower } = this.#options
    const oldest = await store.statusLog.oldest()
    const { board } = follower
    if (oldest === undefined || board.version - oldest < 2 * kept) return
    for (const id of await store.status.unsaved()) {
      const list = board.lists.get(id)
      if (!list) continue
      const { version } = board
      const bits = await compress(Buffer.from(list.bits))
      await store.status.saveBits(id, bits, version)
    }
    await store.statusLog.prune(board.version - kept)
  }
}
