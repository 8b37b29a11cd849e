import { ApiError } from '../rest/api-error.ts'

/** What the recipe's clients tell apart. */
export type PyJwtErrorCode =
  | 'INVALID_CREDENTIALS'
  | 'MISSING_TOKEN'
  | 'INVALID_TOKEN'
  | 'WRONG_TOKEN_TYPE'
  | 'USER_NOT_FOUND'

const answers: Readonly<Record<PyJwtErrorCode, readonly [status: number, error: string]>> = {
  INVALID_CREDENTIALS: [401, 'Invalid credentials'],
  MISSING_TOKEN: [400, 'Refresh token is required'],
  INVALID_TOKEN: [401, 'Invalid or expired token'],
  WRONG_TOKEN_TYPE: [401, 'Wrong token type'],
  USER_NOT_FOUND: [401, 'User not found'],
}

/** An error as the recipe's views give it: `{"error", "code"}`. */
export function pyJwtError(code: PyJwtErrorCode): ApiError {
  const [status, error] = answers[code]
  return new ApiError(status, { error, code }, { code })
}

/** Any other failure, in the same shape. */
export function toPyJwtBody({ body, code }: ApiError) {
  return 'error' in body ? body : { error: body['detail'] ?? 'Bad request', code: code.toUpperCase() }
}
