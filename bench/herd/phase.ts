/** One phase that the generator is sent: so many clients log in over and over while two requests are probed. */
export interface HerdPhase {
  readonly port: number
  readonly authorization: string
  /** Of the user `ada`. */
  readonly password: string
  /** How many log in, one login at a time each; 0 for the idle figures. */
  readonly clients: number
  /** Of the session that is refreshed. */
  readonly refreshToken: string
  readonly milliseconds: number
}

/** The times of one kind of request, in milliseconds. */
export interface ProbeTimes {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

export interface HerdResult {
  readonly jwks: ProbeTimes
  readonly refresh: ProbeTimes
  /** Finished within the phase. */
  readonly logins: number
  readonly milliseconds: number
  /** The latest of the session. */
  readonly refreshToken: string
}
