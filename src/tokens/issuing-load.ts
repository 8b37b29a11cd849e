import { OverloadedError, type ShedReason } from '../lib/overloaded-error.ts'
import type { GrantType } from '../protocol/grant-types.ts'

export interface IssuingLoadOptions {
  /** How many tokens may be under way. */
  readonly most: number
  /** How long a refresh may be told to wait before it tries again at most, in milliseconds. */
  readonly retryWithin: number
  /** Is told of each that was refused. */
  readonly onShed?: ((grant: GrantType, reason: ShedReason) => void) | undefined
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

/** How long others than refreshes are told to wait at most, in milliseconds. */
const retryWithin = 3_000

/**
 * Counts the tokens that are under way: waiting for a commit or a signature, or in either. Their number bounds both
 * queues, and so the time in them; a grant is refused before anything of it is done.
 */
export class IssuingLoad {
  readonly #most: Readonly<Record<GrantType, number>>
  readonly #options: IssuingLoadOptions
  #underWay = 0

  constructor(options: IssuingLoadOptions) {
    this.#options = options
    const room = (share: number) => Math.max(1, Math.floor(options.most * share))
    this.#most = {
      refresh_token: room(shares.refresh_token),
      password: room(shares.password),
      client_credentials: room(shares.client_credentials),
    }
  }

  /** How many tokens are under way. */
  get underWay(): number {
    return this.#underWay
  }

  hasRoomFor(grant: GrantType): boolean {
    return this.#underWay < this.#most[grant]
  }

  /** @throws {OverloadedError} when there is no room for the grant. */
  check(grant: GrantType): void {
    if (!this.hasRoomFor(grant)) throw this.refusal(grant)
  }

  /** Counts a token as under way while `work` lasts. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++
    try {
      return await work()
    } finally {
      this.#underWay--
    }
  }

  /** What a refused request is told; a refresh in time for a retry, wherever the first attempt got to. */
  refusal(grant: GrantType): OverloadedError {
    this.#options.onShed?.(grant, 'full')
    const message = `${this.#underWay} tokens are under way, which leaves no room for ${grant}.`
    const within = grant === 'refresh_token' ? Math.min(retryWithin, this.#options.retryWithin) : retryWithin
    return new OverloadedError(message, 'full', within)
  }
}
