import type { KeyObject } from 'node:crypto'
import {
  type ClaimsExpectation,
  checkAccessTokenClaims,
  InvalidTokenError,
  maxTokenLength,
  parseCompactJws,
  verifyCompactJws,
} from '@mintage/verifier/jws'
import type { JsonObject } from '../protocol/claims.ts'

/** Of how many tokens of one key the signature of one is verified. */
const oneOf = 64

/**
 * Lets nothing out that a verifier would refuse. What a token says is looked at each time, before it is signed. That the
 * signature of an approved key is a good one is verified for the first token of each key and from then on for one of
 * {@link oneOf}, after a bad one for every token until one is good: OpenSSL itself checks each RSA result before it lets
 * go of it, and to verify costs a tenth of what it costs to sign.
 */
export class SelfCheck {
  /** How many tokens of a key may go out unverified. */
  readonly #left = new WeakMap<KeyObject, number>()

  /** @throws {InvalidTokenError} the reason why a verifier would refuse a token that says this. */
  checkClaims(claims: JsonObject, expected: ClaimsExpectation): void {
    checkAccessTokenClaims({ typ: expected.typ }, claims, expected)
  }

  /** @throws {InvalidTokenError} the reason why a verifier would refuse the token. */
  checkToken(token: string, publicKey: KeyObject, expected: ClaimsExpectation): void {
    if (token.length > maxTokenLength) throw new InvalidTokenError('too_large')
    const left = this.#left.get(publicKey) ?? 0
    if (left > 0) {
      this.#left.set(publicKey, left - 1)
      return
    }
    const jws = parseCompactJws(token)
    checkAccessTokenClaims(jws.header, verifyCompactJws(jws, publicKey), expected)
    this.#left.set(publicKey, oneOf - 1)
  }
}
