const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export const second = units.s
export const minute = units.m
export const hour = units.h
export const day = units.d

/**
 * Reads a duration such as `500ms`, `10s`, `15m`, `12h` or `7d`.
 * @returns milliseconds, or undefined when it is not one.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,10})(ms|s|m|h|d)$/.exec(text)
  if (!match) return undefined
  return Number(match[1]) * units[match[2] as keyof typeof units]
}

/** The shortest form that {@link parseDuration} reads back to the same milliseconds. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (milliseconds !== 0 && milliseconds % units[unit] === 0) return `${milliseconds / units[unit]}${unit}`
  }
  return milliseconds === 0 ? '0s' : `${milliseconds}ms`
}
