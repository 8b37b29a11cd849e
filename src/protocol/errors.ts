/** Error codes of RFC 6749 §5.2 and §4.1.2.1, RFC 6750 §3.1, RFC 7009 §2.2.1, and RFC 8707 §2. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_token_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'access_denied'
  | 'temporarily_unavailable'
  | 'server_error'

export interface OAuthErrorOptions {
  /** What went wrong inside; logged, never sent. */
  readonly cause?: unknown
  /** HTTP status, when it is not the code's own. */
  readonly status?: number
  /** Response headers, such as `WWW-Authenticate` or `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A failure that the client is told about. `message` is its `error_description`, so it holds no secret. */
export class OAuthError extends Error {
  override readonly name: string = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(code: OAuthErrorCode, description: string, options: OAuthErrorOptions = {}) {
    super(description, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.status = options.status ?? 400
    this.headers = options.headers ?? {}
  }
}

/** A malformed request: a parameter is missing, repeated or unreadable (RFC 6749 §5.2). */
export class InvalidRequestError extends OAuthError {
  override readonly name = 'InvalidRequestError'
  constructor(description: string, options?: OAuthErrorOptions) {
    super('invalid_request', description, options)
  }
}

/** Client authentication is missing or failed: 401 with a challenge (RFC 6749 §5.2). */
export class InvalidClientError extends OAuthError {
  override readonly name = 'InvalidClientError'
  constructor(description = 'Client authentication failed.', options: OAuthErrorOptions = {}) {
    super('invalid_client', description, {
      ...options,
      status: 401,
      headers: { ...options.headers, 'WWW-Authenticate': 'Basic realm="oauth2", charset="UTF-8"' },
    })
  }
}

/** The grant, such as a refresh token or a user's credentials, is not good (RFC 6749 §5.2). */
export class InvalidGrantError extends OAuthError {
  override readonly name = 'InvalidGrantError'
  constructor(description: string, options?: OAuthErrorOptions) {
    super('invalid_grant', description, options)
  }
}

/** The client may not use this grant type (RFC 6749 §5.2). */
export class UnauthorizedClientError extends OAuthError {
  override readonly name = 'UnauthorizedClientError'
  constructor(description: string, options?: OAuthErrorOptions) {
    super('unauthorized_client', description, options)
  }
}

/** The issuer has no such grant type (RFC 6749 §5.2). */
export class UnsupportedGrantTypeError extends OAuthError {
  override readonly name = 'UnsupportedGrantTypeError'
  constructor(description: string, options?: OAuthErrorOptions) {
    super('unsupported_grant_type', description, options)
  }
}

/** The scope is malformed, unknown, or beyond what was granted (RFC 6749 §5.2). */
export class InvalidScopeError extends OAuthError {
  override readonly name = 'InvalidScopeError'
  constructor(description: string, options?: OAuthErrorOptions) {
    super('invalid_scope', description, options)
  }
}

/** The `resource` is unknown, repeated, or not open to this client (RFC 8707 §2). */
export class InvalidTargetError extends OAuthError {
  override readonly name = 'InvalidTargetError'
  constructor(description: string, options?: OAuthErrorOptions) {
    super('invalid_target', description, options)
  }
}
