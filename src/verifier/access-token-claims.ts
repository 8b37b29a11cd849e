import { InvalidTokenError } from './invalid-token-error.ts'
import type { JsonObject, JsonValue } from './json-object.ts'

/** What a token must say. All times are milliseconds. */
export interface ClaimsExpectation {
  /** Compared byte for byte (RFC 9068 §4). */
  readonly issuer: string
  /** One of these must be among the token's audiences. */
  readonly audience: string | readonly string[]
  /** The `typ` header: `at+jwt`, or `JWT` for an API that asked for it. */
  readonly typ: 'at+jwt' | 'JWT'
  /** Since the epoch. */
  readonly now: number
  /** How far the clocks of issuer and verifier may be apart. */
  readonly clockTolerance: number
  /** The longest life that is believed, from `iat` as from now. */
  readonly maxLifetime: number
}

/** The claims of a token that passed. Times are seconds since the epoch (RFC 7519 §2). */
export interface VerifiedClaims extends JsonObject {
  readonly iss: string
  readonly aud: string | readonly string[]
  readonly exp: number
}

/** RFC 9068 §2.2. */
const requiredStrings = ['sub', 'client_id', 'jti'] as const
const optionalStrings = ['scope', 'sid'] as const
const optionalDates = ['nbf', 'auth_time'] as const

/**
 * Checks what a verified token says (RFC 9068 §4, RFC 8725 §3). `iss`, `aud`, `exp` and `iat` are required, and for
 * `at+jwt` all of RFC 9068 §2.2; a claim that is there has the type that its RFC gives it.
 * @throws {InvalidTokenError} `wrong_type`, `missing_claim`, `invalid_claim`, `wrong_issuer`, `wrong_audience`,
 *   `expired`, `not_yet_valid`, `lifetime_too_long`
 */
export function checkAccessTokenClaims(
  header: JsonObject,
  claims: JsonObject,
  expected: ClaimsExpectation,
): VerifiedClaims {
  checkType(header, expected.typ)
  checkTypes(claims, expected.typ === 'at+jwt')
  const { iss, aud } = claims
  if (requireClaim(iss) !== expected.issuer) throw new InvalidTokenError('wrong_issuer')
  checkAudience(requireClaim(aud), expected.audience)
  checkTimes(claims, expected)
  return claims as VerifiedClaims
}

/** Media types are compared without case, and `application/` may be left out (RFC 7515 §4.1.9). */
function checkType({ typ }: JsonObject, expected: string): void {
  if (typ === expected) return
  if (typeof typ !== 'string') throw new InvalidTokenError('wrong_type')
  const name = typ.toLowerCase().replace(/^application\//, '')
  if (name !== expected.toLowerCase()) throw new InvalidTokenError('wrong_type')
}

function checkTypes(claims: JsonObject, required: boolean): void {
  for (const name of requiredStrings) {
    const value = claims[name]
    if (value === undefined && required) throw new InvalidTokenError('missing_claim')
    if (value !== undefined && typeof value !== 'string') throw new InvalidTokenError('invalid_claim')
  }
  for (const name of optionalStrings) {
    const value = claims[name]
    if (value !== undefined && typeof value !== 'string') throw new InvalidTokenError('invalid_claim')
  }
  for (const name of optionalDates) {
    const value = claims[name]
    if (value !== undefined) readDate(value)
  }
}

function checkAudience(aud: JsonValue, expected: string | readonly string[]): void {
  const audiences = typeof aud === 'string' ? [aud] : aud
  if (!Array.isArray(audiences) || audiences.some((audience) => typeof audience !== 'string')) {
    throw new InvalidTokenError('invalid_claim')
  }
  const accepted = typeof expected === 'string' ? [expected] : expected
  if (!accepted.some((audience) => audiences.includes(audience)))
    throw new InvalidTokenError('wrong_audience')
}

function checkTimes(claims: JsonObject, { now, clockTolerance, maxLifetime }: ClaimsExpectation): void {
  const { exp, iat, nbf } = claims
  const expires = readDate(requireClaim(exp))
  const issued = readDate(requireClaim(iat))
  const begins = nbf === undefined ? issued : readDate(nbf)
  if (now >= expires + clockTolerance) throw new InvalidTokenError('expired')
  if (Math.max(issued, begins) > now + clockTolerance) throw new InvalidTokenError('not_yet_valid')
  // From now as well, since a token may lie about when it was issued.
  if (expires - issued > maxLifetime || expires > now + clockTolerance + maxLifetime) {
    throw new InvalidTokenError('lifetime_too_long')
  }
}

/** A NumericDate in milliseconds. JSON can write numbers that are infinite here. */
function readDate(value: JsonValue): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new InvalidTokenError('invalid_claim')
  return value * 1_000
}

function requireClaim(value: JsonValue | undefined): JsonValue {
  if (value === undefined) throw new InvalidTokenError('missing_claim')
  return value
}
