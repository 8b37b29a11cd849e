import { second } from '../lib/durations.ts'
import { type ShedReason, shedReasons } from '../lib/overloaded-error.ts'
import { type GrantType, grantTypes } from '../protocol/grant-types.ts'
import type { Logger } from './log.ts'
import type { Sample } from './metrics.ts'

/** How long one line stands for all that is turned away, in milliseconds. */
const period = 10 * second

/**
 * Counts what is turned away because there is too much to do. The log says so at once, and then every ten seconds for
 * as long as it goes on: a line for each would be one more thing to do.
 */
export class Shedding {
  readonly #logger: Logger
  readonly #counts = new Map<string, number>()
  readonly #told = new Map<string, number>()
  #telling: NodeJS.Timeout | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  record(grant: GrantType, reason: ShedReason): void {
    const series = `${grant} ${reason}`
    this.#counts.set(series, (this.#counts.get(series) ?? 0) + 1)
    if (this.#telling) return
    this.#tell()
    this.#telling = setInterval(() => {
      if (!this.#tell()) this.close()
    }, period).unref()
  }

  /** How many were turned away, by grant and reason. */
  samples(): readonly Sample[] {
    return grantTypes.flatMap((grant) =>
      shedReasons.map((reason) => ({
        value: this.#counts.get(`${grant} ${reason}`) ?? 0,
        labels: { grant, reason },
      })),
    )
  }

  close(): void {
    this.#tell()
    clearInterval(this.#telling)
    this.#telling = undefined
  }

  /** Says what was turned away since it was said last; whether there was anything. */
  #tell(): boolean {
    const counts: Record<string, number> = {}
    for (const [series, count] of this.#counts) {
      const more = count - (this.#told.get(series) ?? 0)
      if (more === 0) continue
      counts[series] = more
      this.#told.set(series, count)
    }
    const isAnything = Object.keys(counts).length > 0
    if (isAnything) this.#logger.warn({ event: 'requests.shed', counts })
    return isAnything
  }
}
