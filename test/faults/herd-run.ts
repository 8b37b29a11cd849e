import { type OverloadFigures, overload } from '../../bench/overload/run.ts'
import { goodputRatio } from '../../bench/overload/table.ts'

export interface HerdOptions {
  readonly milliseconds: number
  /** How often the capacity comes each second. */
  readonly times?: number
  /** Of bcrypt. */
  readonly cost?: number
}

/** Times in milliseconds, memory in bytes. */
export interface HerdFigures {
  readonly figures: OverloadFigures
  readonly goodputOfCapacity: number
  readonly jwksP99: number
  readonly refreshP99: number
  /** Refreshes that were answered with 503 while logins were refused. */
  readonly refreshesRefused: number
}

/** More logins than can be hashed, and what everybody else notices: what `npm run bench:overload` measures. */
export async function herdOfLogins({
  milliseconds,
  times = 3,
  cost = 12,
}: HerdOptions): Promise<HerdFigures> {
  const [figures] = await overload({
    grants: ['password'],
    milliseconds,
    capacityMilliseconds: Math.min(15_000, milliseconds),
    times,
    cost,
  })
  if (!figures) throw new Error('The benchmark has no figures.')
  return {
    figures,
    goodputOfCapacity: goodputRatio(figures),
    jwksP99: figures.probe.jwks.p99,
    refreshP99: figures.probe.refresh.p99,
    refreshesRefused: figures.probe.repeated,
  }
}
