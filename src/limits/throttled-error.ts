import { OAuthError } from '../protocol/errors.ts'

/** Too many attempts, or failures, of one kind. The answer is the same whether the name exists or not. */
export class ThrottledError extends OAuthError {
  override readonly name = 'ThrottledError'

  /** @param wait in milliseconds, until it may be tried again. */
  constructor(wait: number) {
    super('temporarily_unavailable', 'There were too many attempts. Try again later.', {
      status: 429,
      headers: { 'Retry-After': String(Math.max(1, Math.ceil(wait / 1_000))) },
    })
  }
}
