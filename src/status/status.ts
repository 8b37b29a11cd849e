import type { SigningKeys } from '../keys/sign-compact.ts'
import type { Clock } from '../lib/clock.ts'
import { sha256 } from '../lib/digests.ts'
import { second } from '../lib/durations.ts'
import type { NumberedChange, StatusReference } from '../store/status-change.ts'
import type { Store } from '../store/store.ts'
import { summarise } from './event-frames.ts'
import { EventStream } from './event-stream.ts'
import { StatusFollower } from './follower.ts'
import { IndexBlocks } from './index-blocks.ts'
import { type ListToken, ListTokens } from './list-tokens.ts'
import { listPath, readClaim, type StatusClaim, writeClaim } from './status-claim.ts'
import { StatusUpkeep } from './upkeep.ts'

export interface StatusOptions {
  readonly issuer: string
  /** The issuer without a slash at its end: what endpoints are appended to. */
  readonly base: string
  readonly store: Store
  readonly keys: SigningKeys & {
    /** Takes over the keys that the database has. */
    reload(): Promise<void>
  }
  readonly clock: Clock
  /** How long access tokens live, in milliseconds. */
  readonly accessTokenTtl: number
  /** How many may follow the event stream at once. */
  readonly subscribers: number
  readonly onError: (error: unknown) => void
  /** How many places a new list has. */
  readonly listSize?: number
}

/** How many tokens or sessions share a list, by measurement (see docs/benchmarks.md). */
export const defaultListSize = 1_048_576

/** How old what is known may be before the database is asked again, in milliseconds. */
const confirmedFor = second

/** All that has to do with the status of tokens in one process: places, lists, and those who are told. */
export class Status {
  readonly places: IndexBlocks
  readonly lists: ListTokens
  readonly stream: EventStream
  readonly #follower: StatusFollower
  readonly #upkeep: StatusUpkeep
  readonly #listBase: string
  readonly #subscriptions: readonly (() => void)[]
  #aggregation: { readonly of: object; readonly version: number; readonly body: string } | undefined

  private constructor(options: StatusOptions, follower: StatusFollower, changes: readonly NumberedChange[]) {
    const { store, clock, listSize = defaultListSize, onError, base } = options
    this.#follower = follower
    this.#listBase = base + listPath
    this.places = new IndexBlocks({ store, clock, listSize })
    this.lists = new ListTokens({
      ...options,
      follower,
      listBase: this.#listBase,
      aggregationUri: base + listPath.slice(0, -1),
    })
    this.stream = new EventStream({ ...options, follower, listBase: this.#listBase }, changes)
    const tidy = () => {
      this.places.forgetOld()
      this.lists.forgetRetired()
    }
    this.#upkeep = new StatusUpkeep({ store, follower, tidy, onError })
    const forget = () => this.places.forgetAll()
    this.#subscriptions = [
      // In an emergency every block is revoked, and what the new key signs must come from others.
      store.changes.on('keys', forget),
      // Whoever answers again may be a standby that lacks the reservations, and lets others make them.
      store.availability.onReturn(forget),
    ]
    follower.follow({ changed: () => undefined, reset: forget })
  }

  /** Reads the lists and follows what happens to them until {@link close}. */
  static async open(options: StatusOptions): Promise<Status> {
    const { follower, changes } = await StatusFollower.open({
      ...options,
      takeKeys: () => options.keys.reload(),
    })
    const status = new Status(options, follower, changes)
    status.#upkeep.start()
    return status
  }

  /** The `status` claim of a token at this place (Token Status List draft, "Referenced Token"). */
  claim(place: StatusReference): StatusClaim {
    return writeClaim(this.#listBase, place)
  }

  /** The place that a token's `status` claim names; undefined when it names none of ours. */
  placeOf(claim: unknown): StatusReference | undefined {
    return readClaim(this.#listBase, claim)
  }

  /**
   * Whether a place is revoked, by whichever process it was, a moment ago.
   * @throws {StoreUnavailableError} when the database cannot be used.
   */
  async isRevoked(place: StatusReference): Promise<boolean> {
    await this.#follower.catchUp()
    return this.#follower.board.isRevoked(place)
  }

  /**
   * The lists that are in use (Token Status List draft, "Status List Aggregation"), and what a verifier that polls needs.
   * @throws {StoreUnavailableError} when the database cannot be used: who polls would take an old answer for a new one.
   */
  async aggregation(): Promise<ListToken> {
    if (this.#follower.age >= confirmedFor) await this.#follower.catchUp()
    const { board } = this.#follower
    if (this.#aggregation?.of !== board || this.#aggregation.version !== board.version) {
      const mintage = summarise(board, this.#listBase)
      const body = JSON.stringify({ status_lists: Object.keys(mintage.lists), mintage })
      this.#aggregation = { of: board, version: board.version, body }
    }
    const { body } = this.#aggregation
    return { token: body, etag: `"${sha256(body)}"` }
  }

  async close(): Promise<void> {
    this.stream.close()
    for (const unsubscribe of this.#subscriptions) unsubscribe()
    await this.#upkeep.close()
    await this.#follower.close()
  }
}
