/** One look at both clocks, in milliseconds. */
export interface Moment {
  /** Since the epoch; somebody may set it. */
  readonly wall: number
  /** Nobody sets it, and it may stand still while the machine sleeps. */
  readonly monotonic: number
}

export interface Clock {
  wall(): number
  monotonic(): number
}

export function look(clock: Clock): Moment {
  return { wall: clock.wall(), monotonic: clock.monotonic() }
}

/** How much time has passed since then, at least: whichever clock says more. */
export function ageOf(then: Moment, wall: number, monotonic: number): number {
  return Math.max(wall - then.wall, monotonic - then.monotonic)
}

/** The moment so many milliseconds earlier. */
export function before({ wall, monotonic }: Moment, milliseconds: number): Moment {
  return { wall: wall - milliseconds, monotonic: monotonic - milliseconds }
}
