import { isConflict } from './errors.ts'

/** How long something is tried again that lost against others or whose connection broke, in milliseconds. */
export const retryDeadline = 5_000

/** Longest pauses before the next attempt, in milliseconds. */
const longestAfterConflict = 100
const longestAfterLoss = 500

/** How long to wait before an attempt that follows the `attempt`th, in milliseconds; at random, so that losers part. */
export function pauseBefore(attempt: number, error: unknown): number {
  if (isConflict(error)) return Math.random() * Math.min(longestAfterConflict, 10 * attempt)
  return (0.5 + Math.random()) * Math.min(longestAfterLoss, 25 * 2 ** attempt)
}
