import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose'

/** A service that verifies tokens with the published keys. Throws what is wrong with a token. */
export interface Verifier {
  readonly name: string
  verify(token: string): Promise<unknown>
  /** How often it fetched the JWKS. */
  readonly fetches: number
}

/** Answers with the JWKS, and for how many milliseconds it may be kept. */
export interface JwksSource {
  get(): Promise<{ readonly body: string; readonly maxAge: number }>
  readonly fetches: number
}

/** The JWKS endpoint itself. */
export class JwksEndpoint implements JwksSource {
  readonly #url: string
  fetches = 0

  constructor(url: string) {
    this.#url = url
  }

  async get(): Promise<{ readonly body: string; readonly maxAge: number }> {
    this.fetches++
    const response = await fetch(this.#url)
    if (!response.ok) throw new Error(`The JWKS endpoint answered ${response.status}.`)
    const maxAge = /max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1]
    return { body: await response.text(), maxAge: Number(maxAge) * 1_000 }
  }
}

/**
 * A cache that keeps an answer as long as it may, to the millisecond, and says nothing of its age to whoever asks it:
 * the worst that may stand before a verifier.
 */
export class SilentCache implements JwksSource {
  readonly #source: JwksSource
  readonly #longer: number
  #kept:
    | { readonly answer: Promise<{ readonly body: string; readonly maxAge: number }>; until: number }
    | undefined

  /** `longer` than allowed by this factor. */
  constructor(source: JwksSource, longer = 1) {
    this.#source = source
    this.#longer = longer
  }

  get fetches(): number {
    return this.#source.fetches
  }

  async get(): Promise<{ readonly body: string; readonly maxAge: number }> {
    if (!this.#kept || performance.now() >= this.#kept.until) {
      const kept = { answer: this.#source.get(), until: Number.POSITIVE_INFINITY }
      this.#kept = kept
      const { maxAge } = await kept.answer
      kept.until = performance.now() + maxAge * this.#longer
    }
    return this.#kept.answer
  }
}

/** Knows the keys of the answer that its source gives and no others: an unknown key id is no reason to ask again. */
export class PlainVerifier implements Verifier {
  readonly name: string
  readonly #source: JwksSource
  #body = ''
  #keys: ReadonlyMap<string, KeyObject> = new Map()

  constructor(name: string, source: JwksSource) {
    this.name = name
    this.#source = source
  }

  get fetches(): number {
    return this.#source.fetches
  }

  async verify(token: string): Promise<void> {
    const { body } = await this.#source.get()
    if (body !== this.#body) {
      const { keys }: { readonly keys: readonly (JsonWebKey & { readonly kid: string })[] } = JSON.parse(body)
      this.#keys = new Map(keys.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]))
      this.#body = body
    }
    const [header = '', payload = '', signature = ''] = token.split('.')
    const { kid }: { readonly kid: string } = JSON.parse(Buffer.from(header, 'base64url').toString())
    const key = this.#keys.get(kid)
    if (!key) throw new Error(`The key ${kid} is unknown.`)
    const isGood = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      key,
      Buffer.from(signature, 'base64url'),
    )
    if (!isGood) throw new Error('The signature is wrong.')
  }
}

/** jose, which may keep the keys for `maxAge` and asks no sooner for an unknown key id. */
export class JoseVerifier implements Verifier {
  readonly name: string
  readonly #keys: ReturnType<typeof createRemoteJWKSet>
  readonly #issuer: string
  readonly #audience: string
  fetches = 0

  constructor(name: string, url: string, issuer: string, audience: string, maxAge: number) {
    this.name = name
    this.#issuer = issuer
    this.#audience = audience
    this.#keys = createRemoteJWKSet(new URL(url), {
      cacheMaxAge: maxAge,
      cooldownDuration: maxAge,
      [customFetch]: (input, init) => {
        this.fetches++
        return fetch(input, init)
      },
    })
  }

  async verify(token: string): Promise<void> {
    await jwtVerify(token, this.#keys, {
      issuer: this.#issuer,
      audience: this.#audience,
      algorithms: ['RS256'],
      typ: 'at+jwt',
      // Now, and not when the keys have come.
      currentDate: new Date(),
    })
  }
}
