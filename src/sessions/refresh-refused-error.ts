import type { SessionEnd } from '../events/event.ts'
import {
  InvalidGrantError,
  InvalidScopeError,
  InvalidTargetError,
  type OAuthError,
} from '../protocol/errors.ts'
import type { RefreshOutcome, RefusalReason } from './refresh-decision.ts'

/**
 * The rules refuse a refresh token. OAuth has one answer for whatever is wrong with it, so that it tells a thief
 * nothing (RFC 6749 §5.2); older wire formats tell a few reasons apart.
 */
export class RefreshRefusedError extends InvalidGrantError {
  readonly reason: RefusalReason
  /** Why the session ended, if it did. */
  readonly endReason: SessionEnd | null

  constructor(reason: RefusalReason, endReason: SessionEnd | null = null) {
    super('The refresh token is invalid, expired, used or revoked.', { cause: `refused: ${reason}` })
    this.reason = reason
    this.endReason = endReason
  }
}

/** What the client is told of an outcome that is none. */
export function toRefreshError({
  reason,
  endReason,
}: Extract<RefreshOutcome, { kind: 'refused' }>): OAuthError {
  if (reason === 'scope') return new InvalidScopeError('The scope is beyond what was granted to the session.')
  if (reason === 'resource') return new InvalidTargetError('The resource is not the one of the session.')
  return new RefreshRefusedError(reason, endReason)
}
