/** One stretch of load on one server. */
export interface Phase {
  readonly port: number
  readonly authorization: string
  readonly connections: number
  /** For how long new requests are sent; those under way are then waited for. */
  readonly milliseconds: number
  /** The refresh tokens to redeem, each session in turn; none asks for `client_credentials`. */
  readonly refreshTokens: readonly string[]
}

export interface PhaseResult {
  readonly requests: number
  readonly milliseconds: number
  readonly p50: number
  readonly p99: number
  /** The successors, to go on with. */
  readonly refreshTokens: readonly string[]
  /** The last access token of each connection, for a look at its signature. */
  readonly accessTokens: readonly string[]
}

export type LoadReport = { readonly result: PhaseResult } | { readonly failure: string }
