/** What the cache needs of an entry: the token that it is about. */
export interface Cached {
  readonly token: string
}

/** A token ends in its signature, so its tail is as good as a digest; the whole token is compared before it counts. */
export function cacheKey(token: string): string {
  return token.slice(-32)
}

/**
 * What is known of tokens that were verified. Two halves: what is used moves to the young one, and when that is full the
 * old one is dropped. So it is bounded, keeps what is in use, and a hit costs one look-up and one comparison.
 * Put in only what a good signature covers: then nobody else can fill it or choose its keys.
 */
export class TokenCache<Entry extends Cached> {
  #young = new Map<string, Entry>()
  #old = new Map<string, Entry>()
  readonly #half: number

  /** @param size the most tokens that are kept; 0 keeps none. */
  constructor(size: number) {
    this.#half = Math.ceil(size / 2)
  }

  /** @param key of {@link cacheKey}, made once by whoever looks up and puts in. */
  get(key: string, token: string): Entry | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young.token === token ? young : undefined
    const old = this.#old.get(key)
    if (old === undefined || old.token !== token) return undefined
    this.#put(key, old)
    return old
  }

  set(key: string, entry: Entry): void {
    if (this.#half > 0) this.#put(key, entry)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  #put(key: string, entry: Entry): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, entry)
  }
}
