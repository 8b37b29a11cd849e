import { BearerError } from './bearer-error.ts'

const messages = {
  too_large: 'The token is too large.',
  malformed: 'The token is malformed.',
  unsupported_header: 'The token has a header that is not supported.',
  unsupported_algorithm: 'The token is not signed with RS256.',
  unsuitable_key: 'The key cannot verify RS256 signatures.',
  bad_signature: 'The signature does not match.',
  wrong_type: 'The token is of another type.',
  missing_claim: 'A required claim is missing.',
  invalid_claim: 'A claim has an invalid value.',
  wrong_issuer: 'The token is from another issuer.',
  wrong_audience: 'The token is meant for another audience.',
  expired: 'The token has expired.',
  not_yet_valid: 'The token is not valid yet.',
  lifetime_too_long: 'The token lives longer than is accepted.',
  unknown_key: 'The issuer has no such key.',
  revoked: 'The token was revoked.',
} as const

/** Why a token was refused. `unsuitable_key` blames the key that was given, every other reason the token. */
export type InvalidTokenReason = keyof typeof messages

/**
 * The token must not be accepted (RFC 6750 §3.1, `invalid_token`). The message is one fixed sentence per reason: it
 * holds nothing of the token and nothing that a parser said.
 */
export class InvalidTokenError extends BearerError {
  override readonly name = 'InvalidTokenError'
  override readonly status = 401
  override readonly code = 'invalid_token'
  readonly reason: InvalidTokenReason

  constructor(reason: InvalidTokenReason) {
    super(messages[reason])
    this.reason = reason
  }
}
