import { unref } from './backoff.ts'
import { ageOf, before, type Clock, look, type Moment } from './clock.ts'
import type { Tell, VerifierState } from './events.ts'

export interface FreshnessOptions {
  readonly clock: Clock
  /** Milliseconds. */
  readonly staleAfter: number
  readonly blindAfter: number
  readonly tell: Tell | undefined
}

/** How long ago everything was known, by whichever clock says more. */
export class Freshness {
  readonly #options: FreshnessOptions
  #knownAt: Moment | undefined
  #told: VerifierState = 'blind'
  #timer: ReturnType<typeof setTimeout> | undefined
  /** While lists are behind, nothing is fresh. */
  isHeldBack = false

  constructor(options: FreshnessOptions) {
    this.#options = options
  }

  state(wall: number, monotonic: number): 'fresh' | 'stale' | 'blind' {
    if (this.#knownAt === undefined) return 'blind'
    const age = ageOf(this.#knownAt, wall, monotonic)
    if (age >= this.#options.blindAfter) return 'blind'
    return age >= this.#options.staleAfter || this.isHeldBack ? 'stale' : 'fresh'
  }

  now(): 'fresh' | 'stale' | 'blind' {
    const { clock, tell } = this.#options
    const state = this.state(clock.wall(), clock.monotonic())
    if (state !== this.#told) {
      tell?.({ type: 'state.changed', from: this.#told, to: state })
      this.#told = state
    }
    return state
  }

  /** Whether everything was known once. */
  get hasBegun(): boolean {
    return this.#knownAt !== undefined
  }

  /** Everything up to this moment is known. An earlier one than before says nothing new. */
  know(moment: Moment): void {
    const now = look(this.#options.clock)
    const age = ageOf(moment, now.wall, now.monotonic)
    // Counted from now, so that a clock that was set back meanwhile does not keep an old moment young or old.
    const known = this.#knownAt
    if (!known || age <= ageOf(known, now.wall, now.monotonic)) this.#knownAt = before(now, age)
    this.tellChange()
  }

  /** The lists are there, as of a moment that nobody vouches for: enough not to be blind, too little to be fresh. */
  knowVaguely(): void {
    // Once only: an issuer that shows lists and never vouches for them must not keep anybody from being blind.
    if (this.#knownAt === undefined) this.know(before(look(this.#options.clock), this.#options.staleAfter))
  }

  /** Tells when the state is another than it was, now and when time alone changes it. */
  tellChange(): void {
    const { tell, staleAfter, blindAfter } = this.#options
    if (!tell) return
    const state = this.now()
    clearTimeout(this.#timer)
    const wait = state === 'fresh' ? staleAfter : blindAfter
    if (state !== 'blind') this.#timer = unref(setTimeout(() => this.tellChange(), Math.min(wait, 60_000)))
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}
