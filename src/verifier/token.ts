/**
 * The claims of a token that was verified (RFC 9068 §2.2). Times are seconds since the epoch. Frozen, since everyone who
 * presents the same token is given the same object.
 */
export interface AccessToken {
  readonly iss: string
  /** The user's id, or the client's own where a client acts for itself. */
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly client_id: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
  /** Space-separated; {@link hasScope} reads it. */
  readonly scope?: string
  /** The session, if there is one. */
  readonly sid?: string
  readonly nbf?: number
  readonly auth_time?: number
}

/** Whether the token has every one of these scopes, which may be a list or space-separated. */
export function hasScope(token: Pick<AccessToken, 'scope'>, scope: string | readonly string[]): boolean {
  return readScopes(token.scope).includesAll(scope)
}

/** The scopes of a token, split once. */
export interface Scopes {
  includesAll(scope: string | readonly string[]): boolean
}

export function readScopes(scope: string | undefined): Scopes {
  const granted = new Set(scope?.split(' '))
  const hasAll = (names: readonly string[]) => names.every((name) => granted.has(name))
  return {
    includesAll(wanted) {
      // The common question is for one scope, and the answer is one look-up.
      if (typeof wanted !== 'string') return hasAll(wanted)
      return granted.has(wanted) || hasAll(wanted.split(' ').filter((name) => name !== ''))
    },
  }
}

/** Freezes a value of JSON and all that it holds. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  // No other members than its own: it comes from JSON.
  for (const name in value) {
    const member = value[name]
    if (typeof member === 'object' && member !== null) freeze(member)
  }
  return Object.freeze(value)
}
