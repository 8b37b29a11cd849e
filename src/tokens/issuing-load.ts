import { OverloadedError, retryAfter, type ShedReason } from '../lib/overloaded-error.ts'
import type { GrantType } from '../protocol/grant-types.ts'

export interface IssuingLoadOptions {
  /** How many tokens may be under way. */
  readonly most: number
  /** How long a refresh may be told to wait before it tries again at most, in milliseconds. */
  readonly retryWithin: number
  /** Is told of each that was refused. */
  readonly onShed?: ((grant: GrantType, reason: ShedReason) => void) | undefined
  /** A time that only goes forward, in milliseconds. */
  readonly now?: () => number
}

/**
 * The part of the room that each grant may fill. The rest is for those below it: a session that lives goes before one
 * that is to begin, and both before clients, which have nobody sitting in front of them.
 */
const shares: Readonly<Record<GrantType, number>> = {
  refresh_token: 1,
  password: 0.75,
  client_credentials: 0.5,
}

/** The part of the room that is left when more comes than can be done: enough to keep every thread busy. */
const standing = 1 / 16

/** When a wave that does not pass is more than can be done, and when that is over, in milliseconds. */
const period = 1_000

/** How long others than refreshes are told to wait at most, in milliseconds. */
const longestRetry = 3_000

/**
 * Counts the tokens that are under way: waiting for a commit or a signature, or in either. Their number bounds both
 * queues, and so the time in them; a grant is refused before anything of it is done.
 *
 * A wave may fill the whole room, and is served. Where so many are under way for a second that more would make nothing
 * faster, more comes than can be done: then there is little room, so that whoever is served is served soon and the
 * event loop has short turns, until nobody had to be refused for a second.
 */
export class IssuingLoad {
  readonly #options: IssuingLoadOptions
  readonly #busy: number
  readonly #now: () => number
  #underWay = 0
  /** Since when that many have been under way all the time. */
  #busySince = Number.POSITIVE_INFINITY
  #overloadedUntil = 0

  constructor(options: IssuingLoadOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#busy = Math.max(2, Math.floor(options.most * standing))
  }

  /** How many tokens are under way. */
  get underWay(): number {
    return this.#underWay
  }

  hasRoomFor(grant: GrantType): boolean {
    // The usual case, which needs no look at the time.
    if (this.#underWay < this.#busy * shares[grant]) return true
    const now = this.#now()
    if (now - this.#busySince > period) this.#overloadedUntil = now + period
    const room = now < this.#overloadedUntil ? this.#busy : this.#options.most
    return this.#underWay < room * shares[grant]
  }

  /** @throws {OverloadedError} when there is no room for the grant. */
  check(grant: GrantType): void {
    if (this.hasRoomFor(grant)) return
    const message = `${this.#underWay} tokens are under way, which leaves no room for ${grant}.`
    throw new OverloadedError(message, 'full', this.refuse(grant))
  }

  /**
   * Takes down that a request was refused.
   * @returns after how many seconds it may come again; a refresh in time for a retry, for nobody knows here whether an
   *   attempt before this one was committed.
   */
  refuse(grant: GrantType): number {
    this.#options.onShed?.(grant, 'full')
    const now = this.#now()
    if (now < this.#overloadedUntil) this.#overloadedUntil = now + period
    return retryAfter(
      grant === 'refresh_token' ? Math.min(longestRetry, this.#options.retryWithin) : longestRetry,
    )
  }

  /** Counts a token as under way while `work` lasts. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (++this.#underWay === this.#busy) this.#busySince = this.#now()
    try {
      return await work()
    } finally {
      if (--this.#underWay < this.#busy) this.#busySince = Number.POSITIVE_INFINITY
    }
  }
}
