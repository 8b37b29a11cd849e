/**
 * The keys of an issuer for Hono's `jwk` middleware, which fetches `jwks_uri` again for every request: kept for as long
 * as their `Cache-Control` says, renewed for a key id that is unknown, at most every five seconds, and used for a day
 * while the issuer cannot be reached.
 */
export class IssuerKeys {
  #url
  #keys = []
  #shownAt = -Infinity
  #askedAt = -Infinity
  #maxAge = 0
  #answer

  constructor(issuer) {
    this.#url = `${issuer}/.well-known/jwks.json`
  }

  /** All of them. Throws when the issuer cannot be reached and has not been for a day. */
  async all(kid) {
    const age = performance.now() - this.#shownAt
    const isKnown = this.#keys.some((key) => key.kid === kid)
    if (age < this.#maxAge && isKnown) return this.#keys
    try {
      await this.#refresh()
    } catch (cause) {
      // The middleware answers 401 to any error that is not exactly an Error, such as fetch's TypeError.
      if (!isKnown || age > 24 * 60 * 60 * 1_000) throw new Error('The keys cannot be had.', { cause })
    }
    return this.#keys
  }

  /** One request at a time, and the last answer for five seconds. */
  #refresh() {
    if (performance.now() - this.#askedAt >= Math.min(5_000, this.#maxAge || 1_000)) {
      this.#askedAt = performance.now()
      this.#answer = this.#fetch()
    }
    return this.#answer
  }

  async #fetch() {
    const response = await fetch(this.#url, { signal: AbortSignal.timeout(5_000) })
    if (!response.ok) throw new Error(`The issuer answered ${response.status}.`)
    const { keys } = await response.json()
    const [, seconds = '300'] = /max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '') ?? []
    this.#keys = keys
    this.#maxAge = Number(seconds) * 1_000
    this.#shownAt = performance.now()
  }
}
