import { UnavailableError } from './bearer-error.ts'
import type { Fetch } from './fetch-like.ts'
import { basicCredentials, exchange } from './http.ts'
import { parseJsonObject } from './json-object.ts'
import type { ClientCredentials } from './options.ts'

export interface IntrospectionOptions {
  readonly endpoint: string
  readonly credentials: ClientCredentials
  readonly fetch: Fetch
}

/** Asks the issuer whether a token is active (RFC 7662). Requests for one token that come together share one question. */
export class Introspection {
  readonly #options: IntrospectionOptions
  readonly #closing = new AbortController()
  readonly #asking = new Map<string, Promise<boolean>>()

  constructor(options: IntrospectionOptions) {
    this.#options = options
  }

  /**
   * @param token one whose signature is good.
   * @throws {UnavailableError} when the issuer gave no answer
   */
  isActive(token: string): Promise<boolean> {
    const asked = this.#asking.get(token)
    if (asked) return asked
    const asking = this.#ask(token).finally(() => this.#asking.delete(token))
    this.#asking.set(token, asking)
    return asking
  }

  close(): void {
    this.#closing.abort()
  }

  async #ask(token: string): Promise<boolean> {
    const { endpoint, credentials, fetch } = this.#options
    try {
      const { status, body } = await exchange(fetch, endpoint, {
        form: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
        headers: {
          Accept: 'application/json',
          Authorization: basicCredentials(credentials),
          'Content-Type': 'application/x-www-form-urlencoded',
        },
        maxBytes: 65_536,
        signal: this.#closing.signal,
      })
      if (status !== 200) throw new Error(`The introspection was answered with ${status}.`)
      return parseJsonObject(body)['active'] === true
    } catch (cause) {
      throw new UnavailableError('introspection', { cause })
    }
  }
}
