import { ageOf, before, type Moment } from './clock.ts'

/**
 * When what comes over a connection was said, at the earliest. A stream may be slow, so what just came may be old. The
 * first word was said after it was asked for, and every later one so much later as the issuer's own clock says: no
 * two clocks need to agree, and where they drift apart it is taken for delay.
 */
export class StreamClock {
  readonly #askedAt: Moment
  #first: number | undefined

  constructor(askedAt: Moment) {
    this.#askedAt = askedAt
  }

  /** @param at the issuer's monotonic clock, in milliseconds; an issuer that does not tell it is taken to be quick. */
  saidAt(at: number | undefined, now: Moment): Moment {
    if (at === undefined) return now
    this.#first ??= at
    const { wall, monotonic } = before(this.#askedAt, this.#first - at)
    return { wall: Math.min(wall, now.wall), monotonic: Math.min(monotonic, now.monotonic) }
  }

  /** How long it was under way at the most, in milliseconds. */
  delay(at: number | undefined, now: Moment): number {
    return ageOf(this.saidAt(at, now), now.wall, now.monotonic)
  }
}
