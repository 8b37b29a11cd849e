/** Any value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** The two shapes of access token that an API may ask for. */
export const claimsPresets = ['rfc9068', 'simplejwt'] as const
export type ClaimsPreset = (typeof claimsPresets)[number]

/** The values of the `typ` header that an API may ask for (RFC 9068 §2.1; `JWT` for older libraries). */
export const tokenTypes = ['at+jwt', 'JWT'] as const
export type TokenTyp = (typeof tokenTypes)[number]

/** What every access token says (RFC 9068 §2.2). Times are seconds since the epoch (RFC 7519 §2). */
export interface AccessTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string
  readonly client_id: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
  readonly scope?: string
  readonly sid?: string
  /** Where its status stands (Token Status List draft, "Referenced Token"). */
  readonly status?: { readonly status_list: { readonly idx: number; readonly uri: string } }
}

/**
 * Claims that only the issuer sets: those of RFC 9068 §2.2 and of the drafts that the tokens follow, and what
 * resource servers trust without asking who wrote it.
 */
const protectedClaims: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'client_id', 'iat', 'exp', 'nbf', 'jti', 'scope', 'sid', 'status'],
  ...['typ', 'azp', 'act', 'may_act', 'cnf', 'auth_time', 'acr', 'amr', 'token_type', 'user_id'],
  ...['__proto__', 'constructor', 'prototype'],
])

/**
 * The names in `claims` that only the issuer may set; empty when all may be set by a user's or client's record.
 * @param except may be set by the record nevertheless.
 */
export function findProtectedClaims(claims: JsonObject, except: readonly string[] = []): readonly string[] {
  return Object.keys(claims).filter((name) => protectedClaims.has(name) && !except.includes(name))
}

/** Whom services of the project that a user came from mean by the user: the claim `user_id`, as a text. */
export function findUserIdClaim({ user_id: id }: JsonObject): string | undefined {
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}
