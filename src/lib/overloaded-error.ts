import { UnavailableError } from './unavailable-error.ts'

/** Why something was not done: no room to wait, waited for too long, or whoever asked has gone. */
export const shedReasons = ['full', 'late', 'gone'] as const
export type ShedReason = (typeof shedReasons)[number]

/** There is more to do than can be done, and this was left before any of it was done. Try again later. */
export class OverloadedError extends UnavailableError {
  override readonly name = 'OverloadedError'
  readonly reason: ShedReason

  constructor(message: string, reason: ShedReason, retryAfterSeconds: number) {
    super(message, { retryAfterSeconds })
    this.reason = reason
  }
}

/**
 * Whole seconds after which to try again: from 1 to those of `patience` (milliseconds), at random, so that a herd which
 * was turned away at once does not come back at once.
 */
export function retryAfter(patience: number): number {
  return 1 + Math.floor(Math.random() * Math.max(1, Math.floor(patience / 1_000)))
}
