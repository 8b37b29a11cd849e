import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { type SigningKeys, signCompact } from '../keys/sign-compact.ts'
import type { Clock } from '../lib/clock.ts'
import { sha256 } from '../lib/digests.ts'
import { minute, second } from '../lib/durations.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'
import type { BoardList } from './board.ts'
import type { StatusFollower } from './follower.ts'

const compress = promisify(deflate)

/** The longest that a list is good for, in milliseconds: about as long as it is worth anything to those who cannot ask again. */
const longestLife = 15 * minute

/** How often a list that changes is made anew at most, in milliseconds. */
export const rebuildPause = second

/** The longest `ttl`, in seconds: after how long whoever keeps a list should ask for it again (the draft, "Status List Token"). */
const longestTtl = 10

/** How old what this process knows may be before it asks the database, and how long it waits then, in milliseconds. */
const confirmedFor = second
const patience = second

export interface ListTokensOptions {
  /** How long access tokens live, in milliseconds: no list need outlast them, nor the key that signed it. */
  readonly accessTokenTtl: number
  readonly issuer: string
  /** What the id of a list is appended to. */
  readonly listBase: string
  readonly aggregationUri: string
  readonly keys: SigningKeys
  readonly follower: StatusFollower
  readonly clock: Clock
}

/** A Status List Token as it goes over the wire, and its entity tag, quotes included. */
export interface ListToken {
  readonly token: string
  readonly etag: string
}

interface Built extends ListToken {
  readonly kid: string
  /** The number of the list's last change that is in it. */
  readonly listVersion: number
  /** By the monotonic clock. */
  readonly builtAt: number
  readonly lst: string
}

/**
 * Makes the Status List Tokens (draft-ietf-oauth-status-list, "Status List Token in JWT Format"). Compressing and
 * signing happen on the thread pool; one that changes all the time is made once a second.
 */
export class ListTokens {
  readonly #options: ListTokensOptions
  /** How long a list is good for, in milliseconds. */
  readonly #life: number
  readonly #built = new Map<string, Built>()
  readonly #building = new Map<string, Promise<Built | undefined>>()

  constructor(options: ListTokensOptions) {
    this.#options = options
    this.#life = Math.max(second, Math.min(longestLife, options.accessTokenTtl))
  }

  /**
   * The list of this id; undefined when none is in use.
   * @throws {UnavailableError} when this process cannot know what is in it and has none that is still good.
   */
  async get(id: string): Promise<ListToken | undefined> {
    const { follower } = this.#options
    const isConfirmed = await this.#confirm()
    let list = follower.board.lists.get(id)
    if (!list && isConfirmed) {
      // Another process may have made it a moment ago.
      await follower.catchUp()
      list = follower.board.lists.get(id)
    }
    if (!list) {
      this.#built.delete(id)
      if (isConfirmed) return undefined
      throw new UnavailableError('The status lists cannot be read now.')
    }
    const built = this.#built.get(id)
    const age = built ? performance.now() - built.builtAt : Number.POSITIVE_INFINITY
    if (built && this.#options.keys.publicKey(built.kid)) {
      const hasAll = built.listVersion === list.version
      if ((hasAll && age < this.#life / 3) || (!isConfirmed && age < this.#life / 2)) return built
    }
    if (!isConfirmed) throw new UnavailableError('The status lists cannot be read now.')
    return this.#share(list)
  }

  /** Lets go of those that are in use no more. */
  forgetRetired(): void {
    const { lists } = this.#options.follower.board
    for (const id of this.#built.keys()) if (!lists.has(id)) this.#built.delete(id)
  }

  /** Whether the board is as young as a list must be; an outage is no reason to wait for long. */
  async #confirm(): Promise<boolean> {
    const { follower } = this.#options
    if (follower.age < confirmedFor) return true
    const caughtUp = follower.catchUp().then(
      () => true,
      () => false,
    )
    return Promise.race([caughtUp, sleep(patience, false, { ref: false })])
  }

  #share(list: BoardList): Promise<Built | undefined> {
    const underWay = this.#building.get(list.id)
    if (underWay) return underWay
    const building = this.#build(list).finally(() => this.#building.delete(list.id))
    this.#building.set(list.id, building)
    return building
  }

  async #build(asked: BoardList): Promise<Built | undefined> {
    const { follower, issuer, listBase, aggregationUri, clock, keys } = this.#options
    const before = this.#built.get(asked.id)
    // One that changes all the time is made once a second, with all that happened until then.
    if (before && before.listVersion !== asked.version && keys.publicKey(before.kid)) {
      await sleep(before.builtAt + rebuildPause - performance.now())
    }
    // The board may have been read anew meanwhile, and bits go with the epoch and version that they are of.
    const list = follower.board.lists.get(asked.id)
    if (!list) return undefined
    const builtAt = performance.now()
    const listVersion = list.version
    const { epoch, version } = follower.board
    // A copy, since what is compressed on another thread must not change meanwhile.
    const lst =
      before?.listVersion === listVersion
        ? before.lst
        : (await compress(Buffer.from(list.bits))).toString('base64url')
    const issuedAt = Math.floor(clock.now() / second)
    const payload = JSON.stringify({
      sub: listBase + list.id,
      iss: issuer,
      iat: issuedAt,
      exp: issuedAt + Math.floor(this.#life / second),
      ttl: Math.max(1, Math.min(longestTtl, Math.floor(this.#life / (2 * second)))),
      epoch,
      version,
      status_list: { bits: 1, lst, aggregation_uri: aggregationUri },
    })
    const signed = { typ: 'statuslist+jwt', life: this.#life, payload: () => payload }
    const { token, kid } = await signCompact(keys, signed)
    const built = { token, etag: `"${sha256(token)}"`, kid, listVersion, builtAt, lst }
    this.#built.set(list.id, built)
    return built
  }
}
