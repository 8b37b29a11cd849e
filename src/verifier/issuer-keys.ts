import type { KeyObject } from 'node:crypto'
import { Backoff, unref } from './backoff.ts'
import { UnavailableError } from './bearer-error.ts'
import { ageOf, type Clock, look, type Moment } from './clock.ts'
import type { Tell } from './events.ts'
import type { Fetch } from './fetch-like.ts'
import { describeProblem, exchange } from './http.ts'
import { InvalidTokenError } from './invalid-token-error.ts'
import { readJwks } from './jwks.ts'

/** A key of the issuer, as long as it is one. */
export interface IssuerKey {
  readonly kid: string
  readonly publicKey: KeyObject
  /** Set once the issuer no longer shows it, or says so; never taken back. */
  withdrawn: boolean
}

export interface IssuerKeysOptions {
  readonly jwksUri: string
  readonly fetch: Fetch
  readonly clock: Clock
  /** Milliseconds that the keys stay good after the issuer showed them last. */
  readonly maxAge: number
  readonly tell: Tell | undefined
}

const maxBytes = 256 * 1_024
/** Between two fetches that only a stranger's `kid` asked for, in milliseconds (row 33). */
const strangerPause = 30_000
/** After a fetch that failed, in milliseconds. */
const failurePause = 1_000
/** For how long the nodes of one issuer may show different keys, in milliseconds; ten times what they need. */
const lagOfNodes = 60_000
/** From a key event to the second look, in milliseconds. */
const echoPause = 2_000
const renewal = { least: 5_000, standard: 300_000, most: 3_600_000 }

/**
 * The keys of the issuer: fetched before they are needed, renewed in the background, one request at a time. While the
 * issuer is away the last known ones stay good, to a cap. What it withdrew stays withdrawn.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  readonly #closing = new AbortController()
  readonly #backoff = new Backoff(1_000, 30_000)
  #keys: ReadonlyMap<string, IssuerKey> = new Map()
  readonly #withdrawn = new Set<string>()
  /** Keys that the last answers lacked, and since when by the monotonic clock. */
  readonly #absent = new Map<string, number>()
  #etag: string | undefined
  #shownAt: Moment | undefined
  #strangerAskedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined
  /** By the monotonic clock; undefined when the last fetch went well. */
  #failedAt: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  readonly #loaded: Promise<void>
  #announce: () => void = () => undefined

  constructor(options: IssuerKeysOptions) {
    this.#options = options
    this.#loaded = new Promise((resolve) => {
      this.#announce = resolve
    })
  }

  /** Begins to fetch, and goes on doing so. */
  start(): void {
    this.#fetch().catch(() => undefined)
  }

  /** The key, if it is known and the issuer's word is not too old. */
  get(kid: string): IssuerKey | undefined {
    return this.#keys.get(kid)
  }

  /** Whether the keys are there, and shown lately enough. */
  areTrusted(wall: number, monotonic: number): boolean {
    return this.#shownAt !== undefined && ageOf(this.#shownAt, wall, monotonic) <= this.#options.maxAge
  }

  /**
   * The key of that id, after asking the issuer if that may help.
   * @throws {InvalidTokenError} `unknown_key` when the issuer has no such key
   * @throws {UnavailableError} when the issuer cannot be asked whether it has
   */
  async find(kid: string): Promise<IssuerKey> {
    // One that was under way may have been sent before the key was made.
    await this.#fetching?.catch(() => undefined)
    if (!this.#isTrusted() && !this.#hasJustFailed()) await this.#fetch().catch(() => undefined)
    if (this.#isTrusted() && !this.#keys.has(kid) && !this.#withdrawn.has(kid)) await this.#askForStranger()
    if (!this.#isTrusted()) throw new UnavailableError('keys')
    const key = this.#keys.get(kid)
    if (key) return key
    if (this.#failedAt !== undefined && !this.#withdrawn.has(kid)) throw new UnavailableError('keys')
    throw new InvalidTokenError('unknown_key')
  }

  /**
   * The issuer says that its keys changed: asks at once, and once more a little later, since the node that answers may
   * hear of the change after the one that told it. A `kid` that is unknown meanwhile may ask as well.
   */
  async refetch(): Promise<void> {
    this.#strangerAskedAt = Number.NEGATIVE_INFINITY
    const earlier = this.#fetching
    if (earlier) await earlier.catch(() => undefined)
    await this.#fetch().catch(() => undefined)
    this.#schedule(echoPause)
  }

  /** Never again accepts these, whatever the JWKS says; returns whether that was news. */
  withdraw(kids: readonly string[]): boolean {
    const news = kids.filter((kid) => !this.#withdrawn.has(kid))
    if (news.length === 0) return false
    const keys = new Map(this.#keys)
    for (const kid of news) {
      this.#withdrawn.add(kid)
      const key = keys.get(kid)
      if (key) key.withdrawn = true
      keys.delete(kid)
    }
    this.#keys = keys
    this.#options.tell?.({ type: 'keys.withdrawn', kids: news })
    return true
  }

  get areLoaded(): boolean {
    return this.#shownAt !== undefined
  }

  /** Resolves when there are keys for the first time. */
  whenLoaded(): Promise<void> {
    return this.#loaded
  }

  close(): void {
    this.#closing.abort()
    clearTimeout(this.#timer)
  }

  #isTrusted(): boolean {
    const { wall, monotonic } = look(this.#options.clock)
    return this.areTrusted(wall, monotonic)
  }

  /** So that requests in plenty do not become as many fetches while the issuer is away. */
  #hasJustFailed(): boolean {
    return this.#failedAt !== undefined && this.#options.clock.monotonic() - this.#failedAt < failurePause
  }

  async #askForStranger(): Promise<void> {
    const now = this.#options.clock.monotonic()
    if (now - this.#strangerAskedAt < strangerPause) {
      await this.#fetching?.catch(() => undefined)
      return
    }
    this.#strangerAskedAt = now
    await this.#fetch().catch(() => undefined)
  }

  #fetch(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(new UnavailableError('closed'))
    this.#fetching ??= this.#load()
      .then(
        (maxAge) => {
          this.#failedAt = undefined
          this.#announce()
          this.#backoff.reset()
          this.#schedule(maxAge * (0.8 + Math.random() / 5))
        },
        (error: unknown) => {
          this.#failedAt = this.#options.clock.monotonic()
          this.#options.tell?.({ type: 'keys.failed', problem: describeProblem(error) })
          this.#schedule(this.#backoff.next())
          throw error
        },
      )
      .finally(() => {
        this.#fetching = undefined
      })
    return this.#fetching
  }

  #schedule(milliseconds: number): void {
    clearTimeout(this.#timer)
    if (this.#closing.signal.aborted) return
    this.#timer = unref(setTimeout(() => this.start(), milliseconds))
  }

  /** Fetches once; resolves to how long the answer may be kept, in milliseconds. */
  async #load(): Promise<number> {
    const { jwksUri, fetch, clock } = this.#options
    // The answer is as old as the question.
    const askedAt = look(clock)
    const answer = await exchange(fetch, jwksUri, {
      headers: {
        Accept: 'application/jwk-set+json, application/json',
        // A cache on the way must not bring back yesterday's keys.
        'Cache-Control': 'no-cache',
        ...(this.#etag && { 'If-None-Match': this.#etag }),
      },
      maxBytes,
      signal: this.#closing.signal,
    })
    if (answer.status === 200) {
      this.#take(readJwks(answer.body))
      this.#etag = answer.headers.get('etag') ?? undefined
      this.#options.tell?.({ type: 'keys.loaded', keys: this.#keys.size })
    } else if (answer.status === 304 && this.#etag !== undefined) {
      this.#forgetAbsent()
    } else {
      throw new Error(`The JWKS was answered with ${answer.status}.`)
    }
    this.#shownAt = askedAt
    return readMaxAge(answer.headers)
  }

  #take(shown: ReadonlyMap<string, KeyObject>): void {
    const keys = new Map<string, IssuerKey>()
    for (const [kid, publicKey] of shown) {
      if (this.#withdrawn.has(kid)) continue
      const known = this.#keys.get(kid)
      keys.set(kid, known?.publicKey.equals(publicKey) ? known : { kid, publicKey, withdrawn: false })
    }
    for (const kid of keys.keys()) this.#absent.delete(kid)
    this.#forgetAbsent()
    for (const [kid, key] of this.#keys) {
      if (keys.get(kid) === key) continue
      key.withdrawn = true
      if (!keys.has(kid)) this.#absent.set(kid, this.#options.clock.monotonic())
    }
    this.#keys = keys
  }

  /** A node that lags behind may lack a new key for a moment. What is absent for longer never comes back. */
  #forgetAbsent(): void {
    const now = this.#options.clock.monotonic()
    const gone = [...this.#absent].filter(([, since]) => now - since >= lagOfNodes).map(([kid]) => kid)
    for (const kid of gone) this.#absent.delete(kid)
    this.withdraw(gone)
  }
}

/** `max-age` less `Age` (RFC 9111 §4.2), in milliseconds and within reason. */
function readMaxAge(headers: { get(name: string): string | null }): number {
  const maxAge = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(headers.get('cache-control') ?? '')?.[1]
  if (maxAge === undefined) return renewal.standard
  const left = (Number(maxAge) - Number(headers.get('age') ?? 0)) * 1_000
  return Math.min(Math.max(left || 0, renewal.least), renewal.most)
}
