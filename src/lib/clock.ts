/** Where the time comes from. Rules never read the system's clock themselves. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds that nobody can set, from anywhere on; absent where only the test tells the time. */
  steady?(): number
}

export const systemClock: Clock = { now: () => Date.now(), steady: () => performance.now() }
