import type { RefreshRefusedError } from '../../../sessions/refresh-refused-error.ts'
import { type ApiError, AuthenticationFailedError, validationError } from '../rest/api-error.ts'

/** Whoever logs in is not let in, for whatever reason. */
export function noActiveAccount(
  detail = 'No active account found with the given credentials',
): AuthenticationFailedError {
  return new AuthenticationFailedError(401, { detail }, { code: 'no_active_account' })
}

/** `InvalidToken` of SimpleJWT. */
export function tokenNotValid(detail: string): AuthenticationFailedError {
  const code = 'token_not_valid'
  return new AuthenticationFailedError(401, { detail, code }, { code })
}

export const tokenIsInvalid = () => tokenNotValid('Token is invalid')
export const tokenIsExpired = () => tokenNotValid('Token is expired')
export const tokenIsBlacklisted = () => tokenNotValid('Token is blacklisted')
export const tokenHasWrongType = () => tokenNotValid('Token has wrong type')

/** What the view that verifies says of a token that was taken back. */
export const verifiedIsBlacklisted = () => validationError({ non_field_errors: ['Token is blacklisted'] })

/** What a refusal of the core is called here: of the reasons that it keeps to itself, SimpleJWT tells these. */
export function toTokenError({ reason, endReason }: RefreshRefusedError): ApiError {
  switch (reason) {
    case 'unknown':
    case 'foreign_client':
      return tokenIsInvalid()
    case 'expired':
      return tokenIsExpired()
    case 'disabled':
      return noActiveAccount('No active account found for the given token.')
    default:
      return endReason === 'user_disabled' || endReason === 'user_deleted'
        ? noActiveAccount('No active account found for the given token.')
        : tokenIsBlacklisted()
  }
}
