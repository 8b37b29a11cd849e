import { UnavailableError } from '../lib/unavailable-error.ts'
import type { IndexBlocks } from '../status/index-blocks.ts'
import type { StatusReference } from '../store/status-change.ts'
import type { Store, StoreTransaction } from '../store/store.ts'

/** How often a place that was revoked before it was taken is replaced by another. */
const attempts = 4

/** Gives sessions their places of the status lists. */
export class SessionPlaces {
  readonly #store: Store
  readonly #blocks: IndexBlocks

  constructor(store: Store, blocks: IndexBlocks) {
    this.#store = store
    this.#blocks = blocks
  }

  /**
   * Runs a transaction that writes a new place of the status lists for something that lives so long (milliseconds).
   * A place that was revoked with its whole block since it was reserved is not written, but another one.
   * @throws {UnavailableError}
   */
  async assign<T>(
    life: number,
    work: (tx: StoreTransaction, place: StatusReference) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const { place, block } = await this.#blocks.forSession(life)
      const done = await this.#store.transaction(async (tx) =>
        (await tx.status.isHeld(block)) ? { result: await work(tx, place) } : undefined,
      )
      if (done) return done.result
      this.#blocks.forgetAll()
    }
    throw new UnavailableError('The places of the status lists are revoked as fast as they are reserved.')
  }
}
