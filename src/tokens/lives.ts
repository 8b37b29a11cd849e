import { day, hour, second } from '../lib/durations.ts'

/** The least and the most that a life may be, in milliseconds, wherever it is set. */
export interface LifeBounds {
  readonly least: number
  readonly most: number
}

/** Ten years, for those who want sessions to end only when they are ended. */
const longestSession = 3_650 * day

export const lifeBounds = {
  /** Verifiers believe no longer one. */
  accessToken: { least: second, most: 24 * hour },
  sessionIdle: { least: second, most: longestSession },
  session: { least: second, most: longestSession },
  /** 0 means by key only; past an hour it would let a thief's use pass for a lost answer. */
  retryWindow: { least: 0, most: hour },
} as const satisfies Readonly<Record<string, LifeBounds>>
