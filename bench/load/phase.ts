import type { TokenRequest } from '../subjects/subject.ts'
import type { Stretch } from './stretch.ts'

/** One stretch of load on one server. */
export interface Phase {
  readonly port: number
  readonly request: TokenRequest
  readonly connections: number
  /** For how long new requests are sent; those under way are then waited for. */
  readonly milliseconds: number
  /** The refresh tokens to redeem, each session in turn; none where the request presents none. */
  readonly refreshTokens: readonly string[]
}

export interface PhaseResult extends Stretch {
  /** The successors, to go on with. */
  readonly refreshTokens: readonly string[]
  /** The last access token of each connection, for a look at its signature. */
  readonly accessTokens: readonly string[]
}
