export type { AuthenticateOptions } from './authorization.ts'
export {
  BearerError,
  type BearerErrorCode,
  CrossSiteRequestError,
  InsufficientScopeError,
  InvalidRequestError,
  MissingTokenError,
  UnavailableError,
} from './bearer-error.ts'
export type { Duration } from './durations.ts'
export type { VerifierEvent, VerifierState } from './events.ts'
export type { Fetch, HttpAnswer } from './fetch-like.ts'
export { InvalidTokenError, type InvalidTokenReason } from './invalid-token-error.ts'
export type { ClientCredentials, StatusPolicy, VerifierOptions } from './options.ts'
export { type AccessToken, hasScope } from './token.ts'
export { createVerifier, type Verifier, type VerifyOptions } from './verifier.ts'
