import { SharedRun } from '../lib/shared-run.ts'
import type { NumberedChange } from '../store/status-change.ts'
import type { Store } from '../store/store.ts'
import type { StatusBoard } from './board.ts'
import { loadBoard } from './load-board.ts'

/** How many changes are read at once. */
const page = 500

/** How long to wait before a reading that failed is tried again, in milliseconds. */
const retryPause = 250

export interface FollowerOptions {
  readonly store: Store
  /** Lets this process itself go by the new keys; verifiers hear of them afterwards. */
  readonly takeKeys: () => Promise<void>
  readonly onError: (error: unknown) => void
}

/** Takes what happens to the board of this process. */
export interface Following {
  /** These changes were taken over, in order and without a gap. */
  changed(changes: readonly NumberedChange[]): void
  /** The board was read anew: what was told before may lack something. `changes` are the latest that are kept. */
  reset(changes: readonly NumberedChange[]): void
}

/**
 * Keeps the board of this process in step with the database: numbers what is committed, reads what has a number, and
 * hands it on. Whoever asks while a reading is under way waits for another, since that one may have begun too early.
 */
export class StatusFollower {
  readonly #store: Store
  readonly #takeKeys: () => Promise<void>
  readonly #onError: (error: unknown) => void
  readonly #following: Following[] = []
  #board: StatusBoard
  /** When the database was last asked for all there is, by the monotonic clock. */
  #confirmedAt = performance.now()
  readonly #reading = new SharedRun(() => this.#read())
  #retry: NodeJS.Timeout | undefined
  #unsubscribe: () => void = () => undefined
  #failing = false
  #closed = false

  private constructor({ store, takeKeys, onError }: FollowerOptions, board: StatusBoard) {
    this.#store = store
    this.#takeKeys = takeKeys
    this.#onError = onError
    this.#board = board
  }

  static async open(
    options: FollowerOptions,
  ): Promise<{ readonly follower: StatusFollower; readonly changes: readonly NumberedChange[] }> {
    const { store } = options
    // What a process that died has committed is numbered by whoever comes next.
    await store.sequenceStatus()
    const { board, changes } = await loadBoard(store)
    const follower = new StatusFollower(options, board)
    follower.#unsubscribe = store.changes.on('status', () => follower.#stir())
    return { follower, changes }
  }

  get board(): StatusBoard {
    return this.#board
  }

  /** How long ago, in milliseconds, the database was asked for everything that the board has. */
  get age(): number {
    return performance.now() - this.#confirmedAt
  }

  follow(following: Following): void {
    this.#following.push(following)
  }

  /**
   * Takes over everything that was committed before the call, by whichever process.
   * @throws {StoreUnavailableError} when the database cannot be used.
   */
  catchUp(): Promise<void> {
    return this.#reading.run()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#unsubscribe()
    clearTimeout(this.#retry)
    await this.#reading.settled()
  }

  /** Reads in the background, again and again until it works: what is committed must reach the verifiers. */
  #stir(): void {
    if (this.#closed) return
    clearTimeout(this.#retry)
    this.catchUp().then(
      () => {
        this.#failing = false
      },
      (error) => {
        if (!this.#failing) this.#onError(error)
        this.#failing = true
        if (this.#closed) return
        this.#retry = setTimeout(() => this.#stir(), retryPause)
        this.#retry.unref()
      },
    )
  }

  async #read(): Promise<void> {
    const asked = performance.now()
    const position = await this.#store.sequenceStatus()
    if (position.epoch === this.#board.epoch && position.version < this.#board.version) {
      await this.#makeGood(this.#board)
      return this.#read()
    }
    while (position.epoch === this.#board.epoch && this.#board.version < position.version) {
      const changes = await this.#store.statusLog.read(this.#board.version, page)
      if (!isGapless(changes, this.#board.version)) break
      // Or a token that is signed meanwhile with a withdrawn key would be refused as soon as it is there.
      if (changes.some(({ change }) => change.kind === 'keys')) await this.#takeKeys().catch(this.#onError)
      for (const change of changes) this.#board.apply(change)
      for (const following of this.#following) following.changed(changes)
    }
    if (position.epoch !== this.#board.epoch || position.version > this.#board.version) {
      // Another epoch, or changes that were pruned before this process had read them.
      await this.#reload()
    }
    this.#confirmedAt = asked
  }

  async #reload(): Promise<void> {
    const { board, changes } = await loadBoard(this.#store)
    this.#board = board
    for (const following of this.#following) following.reset(changes)
  }

  /**
   * The database has lost commits under this process, as a standby may that replicates asynchronously: numbers go on
   * beyond all that were given, and what was revoked and told stays so.
   */
  async #makeGood(known: StatusBoard): Promise<void> {
    this.#onError(
      new Error(
        'The database lost changes that were committed: what is known to be revoked is written again.',
      ),
    )
    await this.#store.transaction((tx) => tx.statusLog.leapTo(Math.max(tx.now, known.version + 1)))
    await this.#reload()
    const lost = known.revokedBeyond(this.#board)
    if (lost.length > 0) await this.#store.transaction((tx) => tx.statusLog.flag(lost))
  }
}

/** Whether the changes follow each other, and the first of them `version`. */
export function isGapless(changes: readonly NumberedChange[], version: number): boolean {
  return changes.length > 0 && changes.every((change, index) => change.version === version + 1 + index)
}
