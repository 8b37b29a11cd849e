import { checkAccessTokenClaims } from './access-token-claims.ts'
import { unref } from './backoff.ts'
import { BearerError, InsufficientScopeError, UnavailableError } from './bearer-error.ts'
import { type Clock, look } from './clock.ts'
import { parseCompactJws, type UnverifiedJws, verifyCompactJws } from './compact-jws.ts'
import { type Duration, readDuration } from './durations.ts'
import type { VerifierState } from './events.ts'
import type { Fetch } from './fetch-like.ts'
import { Introspection } from './introspection.ts'
import { InvalidTokenError } from './invalid-token-error.ts'
import { type IssuerKey, IssuerKeys } from './issuer-keys.ts'
import { readOptions, type Settings, type VerifierOptions } from './options.ts'
import { RevocationFeed } from './revocation-feed.ts'
import { StatusCheck } from './status-check.ts'
import { readStatusReference, type StatusReference } from './status-list-token.ts'
import { type AccessToken, freeze, readScopes, type Scopes } from './token.ts'
import { cacheKey, TokenCache } from './token-cache.ts'

export interface VerifyOptions {
  /** What the token must allow: one scope, several separated by spaces, or a list. All are needed. */
  readonly scope?: string | readonly string[] | undefined
}

/** Verifies the access tokens of one issuer for one API. `Claims` are the custom claims that its tokens carry. */
export interface Verifier<Claims extends object = object> {
  /**
   * The claims of a good token.
   * @throws {InvalidTokenError} 401: it is forged, expired, revoked, meant for somebody else
   * @throws {InsufficientScopeError} 403: it is good and does not allow this
   * @throws {UnavailableError} 503: nobody can tell at the moment
   */
  verify(token: string, options?: VerifyOptions): Promise<AccessToken & Claims>
  /**
   * Resolves when the keys and the status lists are there.
   * @param timeout `30s` by default; the process is kept alive as long.
   * @throws {UnavailableError} when they are not by then
   */
  ready(timeout?: Duration): Promise<void>
  /** How much of the revocations is known. */
  readonly state: VerifierState
  /** Ends every request and timer. What is verified afterwards is refused. */
  close(): void
}

/** What is known of a token whose signature and claims are good. */
interface Verified<Claims extends object> {
  readonly token: string
  readonly claims: AccessToken & Claims
  readonly key: IssuerKey
  readonly status: StatusReference | undefined
  scopes: Scopes | undefined
  /** Milliseconds since the epoch, the tolerance included. */
  readonly begins: number
  readonly ends: number
  /** Of the claims; one for all who present the token. */
  readonly answer: Promise<AccessToken & Claims>
}

/** Begins to fetch the issuer's keys and revocations; nothing of it keeps the process alive. */
export function createVerifier<Claims extends object = object>(options: VerifierOptions): Verifier<Claims> {
  return new LocalVerifier<Claims>(readOptions(options))
}

class LocalVerifier<Claims extends object> implements Verifier<Claims> {
  readonly #settings: Settings
  readonly #keys: IssuerKeys
  readonly #clock: Clock
  readonly #feed: RevocationFeed | undefined
  readonly #introspection: Introspection | undefined
  /** Undefined where revocation is off. */
  readonly #status: StatusCheck | undefined
  readonly #cache: TokenCache<Verified<Claims>>
  #isClosed = false

  constructor(settings: Settings) {
    const { jwksUri, clock, maxKeyAge: maxAge, tell, credentials } = settings
    // Looked up anew each time, so that whoever replaces the global one is heard.
    const fetch: Fetch = settings.fetch ?? ((url, init) => globalThis.fetch(url, init))
    this.#settings = settings
    this.#clock = clock
    this.#cache = new TokenCache(settings.cacheSize)
    this.#keys = new IssuerKeys({ jwksUri, fetch, clock, maxAge, tell })
    this.#keys.start()
    if (settings.revocation === 'off') return
    const endpoint = settings.introspectionEndpoint
    this.#introspection = credentials && new Introspection({ endpoint, credentials, fetch })
    this.#feed = new RevocationFeed(settings, fetch, this.#keys)
    this.#status = new StatusCheck(settings, this.#feed, this.#introspection)
    this.#feed.start()
  }

  get state(): VerifierState {
    return this.#feed?.freshness.now() ?? 'off'
  }

  verify(token: string, options?: VerifyOptions): Promise<AccessToken & Claims> {
    const scope = options?.scope
    const { tell } = this.#settings
    const wall = this.#clock.wall()
    const monotonic = this.#clock.monotonic()
    const key = typeof token === 'string' ? cacheKey(token) : ''
    const seen = this.#remember(key, token, wall, monotonic)
    // The quick way: it is known, and nobody needs to be asked.
    if (
      seen !== undefined &&
      (seen.status === undefined || this.#status?.isClear(seen.status, wall, monotonic) !== false) &&
      (scope === undefined || scopesOf(seen).includesAll(scope))
    ) {
      tell?.({ type: 'token.accepted', cached: true })
      return seen.answer
    }
    const answer = this.#verifyAny(key, token, scope, seen)
    if (tell) {
      const accepted = { type: 'token.accepted', cached: seen !== undefined } as const
      answer.then(
        () => tell(accepted),
        (error: unknown) => tell({ type: 'token.refused', ...describeRefusal(error) }),
      )
    }
    return answer
  }

  async ready(timeout: Duration = '30s'): Promise<void> {
    const milliseconds = readDuration('timeout', timeout)
    let deadline: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      const refuse = () => reject(new UnavailableError(this.#keys.areLoaded ? 'status' : 'keys'))
      deadline = setTimeout(refuse, milliseconds)
    })
    try {
      await Promise.race([late, this.#becomeReady()])
    } finally {
      clearTimeout(deadline)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cache.clear()
    this.#keys.close()
    this.#feed?.close()
    this.#introspection?.close()
  }

  async #becomeReady(): Promise<void> {
    await this.#keys.whenLoaded()
    const feed = this.#feed
    if (!feed) return
    const isReady = () =>
      this.#settings.whenStale === 'accept'
        ? feed.freshness.now() !== 'blind'
        : feed.freshness.now() === 'fresh'
    while (!isReady() && !this.#isClosed) await new Promise((resolve) => unref(setTimeout(resolve, 20)))
    if (this.#isClosed) throw new UnavailableError('closed')
  }

  /** What is known of the token and still holds: its key is one of the issuer's, it has begun and not ended. */
  #remember(key: string, token: string, wall: number, monotonic: number): Verified<Claims> | undefined {
    const seen = this.#cache.get(key, token)
    if (seen === undefined || seen.key.withdrawn || wall >= seen.ends || wall < seen.begins) return undefined
    return this.#keys.areTrusted(wall, monotonic) ? seen : undefined
  }

  async #verifyAny(
    cacheKey: string,
    token: string,
    scope: VerifyOptions['scope'],
    seen: Verified<Claims> | undefined,
  ): Promise<AccessToken & Claims> {
    if (this.#isClosed) throw new UnavailableError('closed')
    let verified = seen
    if (verified === undefined) {
      const jws = parseCompactJws(token)
      const { kid } = jws.header
      // Waits only where the key has to be asked for.
      verified = this.#read(token, jws, this.#knownKey(kid) ?? (await this.#keys.find(kid)))
      this.#cache.set(cacheKey, verified)
    }
    const { status, key } = verified
    if (
      status !== undefined &&
      this.#status?.isClear(status, this.#clock.wall(), this.#clock.monotonic()) === false
    ) {
      await this.#status.check(status, token)
      // It took a while, in which the key may have gone.
      if (key.withdrawn) throw new InvalidTokenError('unknown_key')
    }
    if (scope !== undefined && !scopesOf(verified).includesAll(scope)) {
      throw new InsufficientScopeError(typeof scope === 'string' ? scope : scope.join(' '))
    }
    return verified.claims
  }

  #knownKey(kid: string): IssuerKey | undefined {
    const { wall, monotonic } = look(this.#clock)
    return this.#keys.areTrusted(wall, monotonic) ? this.#keys.get(kid) : undefined
  }

  /** Checks the signature, then the claims. */
  #read(token: string, jws: UnverifiedJws, key: IssuerKey): Verified<Claims> {
    const { issuer, audience, typ, clockTolerance, maxLifetime } = this.#settings
    const payload = verifyCompactJws(jws, key.publicKey)
    const now = this.#clock.wall()
    const expected = { issuer, audience, typ, now, clockTolerance, maxLifetime }
    const claims = checkAccessTokenClaims(jws.header, payload, expected)
    const { exp, iat, nbf = iat } = claims
    const status = readStatusReference(claims)
    if (status === 'invalid') throw new InvalidTokenError('invalid_claim')
    // The type says what the checks have found; what an API adds to its tokens is its own promise.
    const frozen = freeze(claims) as unknown as AccessToken & Claims
    return {
      token,
      claims: frozen,
      key,
      status,
      scopes: undefined,
      begins: Math.max(Number(iat), Number(nbf)) * 1_000 - clockTolerance,
      ends: exp * 1_000 + clockTolerance,
      answer: Promise.resolve(frozen),
    }
  }
}

/** Split when somebody asks for the first time. */
function scopesOf(verified: Verified<object>): Scopes {
  verified.scopes ??= readScopes(verified.claims.scope)
  return verified.scopes
}

function describeRefusal(error: unknown): { readonly status: number; readonly reason: string } {
  if (!(error instanceof BearerError)) return { status: 500, reason: 'unexpected' }
  const reason = 'reason' in error ? String(error.reason) : (error.code ?? 'unknown')
  return { status: error.status, reason }
}
