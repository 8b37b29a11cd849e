import type { Grant } from '../subjects/subject.ts'

export type OverloadGrant = Grant | 'password'

/** One stretch of requests for tokens of one grant. */
export interface OverloadPhase {
  readonly port: number
  readonly authorization: string
  readonly grant: OverloadGrant
  /** Of the user `ada`. */
  readonly password: string
  readonly refreshTokens: readonly string[]
  readonly milliseconds: number
  /** So many clients ask over and over (a closed loop), or so many requests come each second, answered or not (an open one). */
  readonly load: { readonly clients: number } | { readonly perSecond: number }
}

/** Times in milliseconds, from when a request was due. */
export interface Times {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

export interface OverloadResult {
  readonly milliseconds: number
  /** Answered with tokens before the phase was over. */
  readonly served: Times
  /** Answered with 503 or 429. */
  readonly refused: Times
  /** By status; what a client gave up for, and what found no connection or session to be sent with, by those words. */
  readonly answers: Readonly<Record<string, number>>
  /** The latest of each session. */
  readonly refreshTokens: readonly string[]
}

/** Asks for the JWKS and refreshes a session, in turn, for as long as a phase lasts. */
export interface ProbePhase {
  readonly port: number
  readonly authorization: string
  readonly refreshToken: string
  readonly milliseconds: number
}

export interface ProbeResult {
  readonly jwks: Times
  readonly refresh: Times
  /** Refreshes that were told to come again, and did. */
  readonly repeated: number
  readonly refreshToken: string
}
