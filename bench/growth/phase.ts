import type { Stretch } from '../load/stretch.ts'

/** One request to the token endpoint, sent again and again; one that refreshes goes on with the successor. */
export interface Line {
  readonly authorization: string
  readonly form: string
}

/** One stretch of load on one server. */
export interface GrowthPhase {
  readonly port: number
  readonly connections: number
  /** For how long new requests are sent; those under way are then waited for. */
  readonly milliseconds: number
  /** The requests, each connection its own in turn. */
  readonly lines: readonly Line[]
}

export interface GrowthResult extends Stretch {
  /** As they stand now, to go on with. */
  readonly lines: readonly Line[]
}
