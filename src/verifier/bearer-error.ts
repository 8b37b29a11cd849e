/** What a resource server may say about a refused request (RFC 6750 §3.1). */
export type BearerErrorCode = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

/**
 * A request that must not be served. `status` and `headers` are what the answer carries; Koa, Express and Fastify read
 * them off an error that reaches them. No message says anything of the token or of what a parser made of it.
 */
export abstract class BearerError extends Error {
  /** The status of the answer. */
  abstract readonly status: 400 | 401 | 403 | 503
  /** Undefined where RFC 6750 §3.1 has no code for it: no credentials came, or no other token would help. */
  abstract readonly code: BearerErrorCode | undefined

  get statusCode(): number {
    return this.status
  }

  /** The challenge of the answer (RFC 6750 §3); undefined for a 503, which asks for no other token. */
  get wwwAuthenticate(): string | undefined {
    return this.code === undefined ? 'Bearer' : `Bearer error="${this.code}"`
  }

  get headers(): Readonly<Record<string, string>> {
    const challenge = this.wwwAuthenticate
    return { 'Cache-Control': 'no-store', ...(challenge && { 'WWW-Authenticate': challenge }) }
  }
}

/** The request carries no access token in its `Authorization` header: 401 without an error code. */
export class MissingTokenError extends BearerError {
  override readonly name = 'MissingTokenError'
  override readonly status = 401
  override readonly code = undefined

  constructor() {
    super('The request carries no access token.')
  }
}

/** More than one `Authorization` header came, or cookie, or both and they differ: nobody can say which one counts. */
export class InvalidRequestError extends BearerError {
  override readonly name = 'InvalidRequestError'
  override readonly status = 400
  override readonly code = 'invalid_request'

  constructor() {
    super('The request has more than one access token.')
  }
}

/** The token is good and allows less than this request needs. */
export class InsufficientScopeError extends BearerError {
  override readonly name = 'InsufficientScopeError'
  override readonly status = 403
  override readonly code = 'insufficient_scope'
  /** What the request needs, space-separated. */
  readonly scope: string

  constructor(scope: string) {
    super('The token allows less than this request needs.')
    this.scope = scope
  }

  override get wwwAuthenticate(): string {
    // A scope has no quote and no backslash (RFC 6749 §3.3); a caller's slip must not break the header.
    return `Bearer error="insufficient_scope", scope="${this.scope.replace(/[^\x20-\x7e]|["\\]/g, '')}"`
  }
}

/**
 * The token came in a cookie, and the browser does not say that a page sent the request that may use it: 403, and no
 * challenge, for no other token would help.
 */
export class CrossSiteRequestError extends BearerError {
  override readonly name = 'CrossSiteRequestError'
  override readonly status = 403
  override readonly code = undefined

  constructor() {
    super('The request comes from a page that may not use the cookie.')
  }

  override get wwwAuthenticate(): undefined {
    return undefined
  }
}

const unavailable = {
  keys: 'The keys of the issuer cannot be had.',
  status: 'Nobody can say whether the token was revoked.',
  introspection: 'The issuer could not be asked about the token.',
  closed: 'The verifier is closed.',
} as const

/** The token can be judged by nobody at the moment: 503, since it may well be good (row 34: never 401). */
export class UnavailableError extends BearerError {
  override readonly name = 'UnavailableError'
  override readonly status = 503
  override readonly code = undefined
  readonly reason: keyof typeof unavailable
  /** Seconds. */
  readonly retryAfter = 5

  constructor(reason: keyof typeof unavailable, options?: ErrorOptions) {
    super(unavailable[reason], options)
    this.reason = reason
  }

  override get wwwAuthenticate(): undefined {
    return undefined
  }

  override get headers(): Readonly<Record<string, string>> {
    return { ...super.headers, 'Retry-After': String(this.retryAfter) }
  }
}
