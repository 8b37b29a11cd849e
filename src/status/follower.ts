import { SharedRun } from '../lib/shared-run.ts'
import { identify, type NumberedChange, type StatusReference } from '../store/status-change.ts'
import type { StatusPosition } from '../store/status-log.ts'
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
  /** The change that has the number of the board, as {@link identify} tells it; undefined when it is not known. */
  #last: string | undefined
  /** What is known to be revoked and lacks in the database, until it is written again. */
  #owed: readonly StatusReference[] = []
  /** When the database was last asked for all there is, by the monotonic clock. */
  #confirmedAt = performance.now()
  readonly #reading = new SharedRun(() => this.#read())
  #retry: NodeJS.Timeout | undefined
  #unsubscribe: () => void = () => undefined
  #failing = false
  #closed = false

  private constructor(
    { store, takeKeys, onError }: FollowerOptions,
    board: StatusBoard,
    changes: readonly NumberedChange[],
  ) {
    this.#store = store
    this.#takeKeys = takeKeys
    this.#onError = onError
    this.#board = board
    this.#last = lastOf(changes, board.version)
  }

  static async open(
    options: FollowerOptions,
  ): Promise<{ readonly follower: StatusFollower; readonly changes: readonly NumberedChange[] }> {
    const { store } = options
    // What a process that died has committed is numbered by whoever comes next.
    await store.sequenceStatus()
    const { board, changes } = await loadBoard(store)
    const follower = new StatusFollower(options, board, changes)
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
    if (this.#owed.length > 0) await this.#writeOwed(this.#owed)
    const position = await this.#store.sequenceStatus()
    const isSameEpoch = position.epoch === this.#board.epoch
    if (isSameEpoch && this.#isTakenBack(position)) return this.#makeGood()
    while (isSameEpoch && this.#board.version < position.version) {
      const { version } = this.#board
      const changes = await this.#store.statusLog.read(version - 1, page)
      const known = lastOf(changes.slice(0, 1), version)
      if (known !== undefined && this.#last !== undefined && known !== this.#last) return this.#makeGood()
      const news = known === undefined ? changes : changes.slice(1)
      if (!isGapless(news, version)) break
      // Or a token that is signed meanwhile with a withdrawn key would be refused as soon as it is there.
      if (news.some(({ change }) => change.kind === 'keys')) await this.#takeKeys().catch(this.#onError)
      for (const change of news) this.#board.apply(change)
      this.#last = lastOf(news, this.#board.version)
      for (const following of this.#following) following.changed(news)
    }
    if (!isSameEpoch || position.version > this.#board.version) {
      // Another epoch, or changes that were pruned before this process had read them.
      await this.#reload()
    }
    this.#confirmedAt = asked
  }

  /** Whether the board has what the database lacks: a higher number, or another change of that number. */
  #isTakenBack({ version, last }: StatusPosition): boolean {
    if (version !== this.#board.version) return version < this.#board.version
    return last !== null && this.#last !== undefined && last !== this.#last
  }

  async #reload(): Promise<void> {
    const known = this.#board
    const { board, changes } = await loadBoard(this.#store)
    if (board.epoch === known.epoch) this.#keepRevoked(known, board)
    this.#board = board
    this.#last = lastOf(changes, board.version)
    for (const following of this.#following) following.reset(changes)
    if (this.#owed.length > 0) this.#stir()
  }

  /** No place is ever unset within an epoch, so what `known` has beyond `board` was lost: by all but this process, perhaps. */
  #keepRevoked(known: StatusBoard, board: StatusBoard): void {
    const lost = known.revokedBeyond(board)
    this.#owed = [...this.#owed, ...lost]
    for (const { list, index } of lost) {
      board.apply({ version: board.version, change: { kind: 'revoked', list, idx: [index] } })
    }
  }

  /**
   * The database has lost commits under this process, as a standby may that replicates asynchronously: numbers go on
   * beyond all that were given, and what was revoked and told stays so.
   */
  async #makeGood(): Promise<void> {
    const { version } = this.#board
    this.#onError(
      new Error(
        'The database lost changes that were committed: what is known to be revoked is written again.',
      ),
    )
    await this.#store.transaction(async (tx) => {
      await tx.statusLog.leapTo(Math.max(tx.now, version + 1))
      await tx.status.closeLists()
    })
    await this.#reload()
    return this.#read()
  }

  /**
   * A session that lives on such a place lost its end, or its move to another place when one of its access tokens was
   * revoked. Which of the two nobody can tell, and every access token that it still gets would be refused.
   */
  async #writeOwed(owed: readonly StatusReference[]): Promise<void> {
    await this.#store.transaction(async (tx) => {
      await tx.statusLog.flag(owed)
      const count = await tx.sessions.endAt(owed, 'revocation_lost', tx.now)
      if (count > 0) await tx.record({ type: 'sessions.revoked', reason: 'revocation_lost', count })
    })
    this.#owed = []
  }
}

/** What is told of the last of the changes, if it has that number. */
function lastOf(changes: readonly NumberedChange[], version: number): string | undefined {
  const last = changes.at(-1)
  return last?.version === version ? identify(last.change) : undefined
}

/** Whether the changes follow each other, and the first of them `version`. */
export function isGapless(changes: readonly NumberedChange[], version: number): boolean {
  return changes.length > 0 && changes.every((change, index) => change.version === version + 1 + index)
}
