import { JwksClient, SigningKeyNotFoundError } from 'jwks-rsa'

/** How long the keys that the issuer showed last stay good while it cannot be reached. */
const patience = 24 * 60 * 60 * 1_000

/**
 * The public keys of an issuer. jwks-rsa fetches and reads them; its cache and its rate limit are left off, because
 * invented key ids use up its limit until the keys in use cannot be fetched either, and because a withdrawn key comes
 * back from its fallback when the issuer cannot be reached.
 */
export class IssuerKeys {
  #client
  #maxAge
  #pause
  #keys = new Map()
  /** When the issuer showed the keys last, and when it was asked last; a clock that is set does not move these. */
  #shownAt = -Infinity
  #askedAt = -Infinity
  #asking
  #answer = Promise.resolve()

  /** `maxAge` in milliseconds is what the JWKS says in `Cache-Control`. */
  constructor(issuer, maxAge) {
    const jwksUri = `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`
    this.#client = new JwksClient({ jwksUri, cache: false, timeout: 5_000 })
    this.#maxAge = maxAge
    // Anybody can invent a key id, so one that is unknown is not always a reason to ask again.
    this.#pause = Math.min(maxAge, 5_000)
  }

  /** The key of that id. Throws SigningKeyNotFoundError, or what keeps the issuer from being asked. */
  async find(kid) {
    if (!this.#keys.has(kid) || this.#age() >= this.#maxAge) {
      try {
        await this.#refresh()
      } catch (error) {
        if (!this.#keys.has(kid) || this.#age() >= patience) throw error
      }
    }
    const key = this.#keys.get(kid)
    if (!key) throw new SigningKeyNotFoundError('The issuer does not publish this key.')
    return key
  }

  #age() {
    return performance.now() - this.#shownAt
  }

  /** Asks the issuer, one request at a time, and not again before the pause is over. */
  #refresh() {
    const now = performance.now()
    if (!this.#asking && now - this.#askedAt >= this.#pause) {
      this.#askedAt = now
      this.#asking = true
      this.#answer = this.#ask(now).finally(() => {
        this.#asking = false
      })
    }
    return this.#answer
  }

  async #ask(now) {
    const keys = await this.#client.getSigningKeys()
    this.#keys = new Map(keys.map((key) => [key.kid, key.getPublicKey()]))
    this.#shownAt = now
  }
}
