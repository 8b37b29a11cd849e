import { setTimeout as delay } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Availability } from './availability.ts'
import type { Database, Isolation } from './database.ts'
import {
  DuplicateError,
  isConflict,
  isDuplicate,
  isLost,
  isOutage,
  toStoreError,
  UnknownCommitError,
} from './errors.ts'
import { pauseBefore, retryDeadline } from './patience.ts'

/** How often a transaction that lost against others is run again at least, however slow the machine is. */
const leastRepetitions = 8

/** `mayBeCommitted`: the attempt before it broke at its commit, which may have been made. */
export type Work<T> = (trx: Knex.Transaction, mayBeCommitted: boolean) => Promise<T>

export interface AttemptOptions {
  /** What is read once a row is locked must be what is committed then; or what was read must still be so at the end. */
  readonly isolation?: Isolation
  /** The work finds out by itself whether it was committed already, so it may run again when nobody knows. */
  readonly repeatable?: boolean
}

export interface GroupableOptions<T> extends AttemptOptions {
  /** The first attempt, made together with others; undefined where nothing was done, and the work is done alone. */
  readonly together?: () => Promise<T | undefined>
}

/**
 * Runs transactions, again where they lost against others or their connection broke before the commit, and notices
 * whether the database is there. Whoever meets a database that is known to be away is turned away at once.
 */
export class Attempts {
  readonly #database: Database
  readonly #availability: Availability
  readonly #now: () => Promise<number>

  constructor(database: Database, availability: Availability, now: () => Promise<number>) {
    this.#database = database
    this.#availability = availability
    this.#now = now
  }

  /**
   * @throws {DuplicateError}
   * @throws {StoreUnavailableError} when the database cannot be used; nothing was committed, unless it is an
   *   {UnknownCommitError}.
   */
  async run<T>(work: Work<T>, options: GroupableOptions<T> = {}): Promise<T> {
    const began = performance.now()
    let unknown: UnknownCommitError | undefined
    for (let attempt = 1; ; attempt++) {
      try {
        this.#database.checkPresence()
        const together = attempt === 1 ? await options.together?.() : undefined
        const run = (trx: Knex.Transaction) => work(trx, unknown !== undefined)
        const isolation = this.#database.isolation ?? options.isolation
        const result = together ?? (await this.#database.transact(run, isolation, began + retryDeadline))
        if (this.#availability.isDown) await this.#noticeSuccess()
        return result
      } catch (error) {
        // knex has written the statement in front of the words, which are the operator's.
        if (error instanceof UnknownCommitError) unknown = new UnknownCommitError({ cause: error.cause })
        const pause = pauseBefore(attempt, error)
        const isInTime = performance.now() - began + pause < retryDeadline
        const isEarly = isConflict(error) && attempt <= leastRepetitions
        if ((isInTime || isEarly) && this.#isWorthRepeating(error, options)) {
          await delay(pause)
          continue
        }
        if (isDuplicate(error)) throw new DuplicateError('The name is taken.', { cause: error })
        if (isOutage(error)) this.#availability.failed()
        throw unknown ?? toStoreError(error)
      }
    }
  }

  #isWorthRepeating(error: unknown, { repeatable = false }: AttemptOptions): boolean {
    if (isConflict(error)) return true
    if (this.#availability.isDown) return false
    return isLost(error) || (repeatable && error instanceof UnknownCommitError)
  }

  async #noticeSuccess(): Promise<void> {
    // What was committed stays committed when the next question finds the database gone again.
    const now = await this.#now().catch(() => undefined)
    if (now !== undefined) this.#availability.succeeded(now)
  }
}
