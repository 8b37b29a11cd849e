import type { CpuTime } from '../process-usage.ts'
import type { TokenRequest } from '../subjects/subject.ts'
import type { Stretch } from './stretch.ts'

/** One stretch of load on one server. */
export interface Phase {
  readonly port: number
  /** Of the server. */
  readonly pid: number
  readonly request: TokenRequest
  readonly connections: number
  /** For how long new requests are sent; those under way are then waited for. */
  readonly milliseconds: number
  /**
   * For how long before, over the same connections; it does not count. A server comes from a pause in which others had the
   * machine, with cold caches and a heap that was tidied up, and accepts one connection in each turn of its event loop.
   */
  readonly leadIn: number
  /** The refresh tokens to redeem, each session in turn; none where the request presents none. */
  readonly refreshTokens: readonly string[]
}

export interface PhaseResult extends Stretch {
  /** What the server had used when the stretch began, and when it was over. */
  readonly before: CpuTime
  readonly after: CpuTime
  /** The successors, to go on with. */
  readonly refreshTokens: readonly string[]
  /** The last access token of each connection, for a look at its signature. */
  readonly accessTokens: readonly string[]
}
