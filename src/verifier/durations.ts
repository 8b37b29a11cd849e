const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds, or a text such as `500ms`, `10s`, `15m`, `12h` or `7d`. */
export type Duration = number | `${number}${keyof typeof units}`

/**
 * Reads a duration of an option.
 * @returns milliseconds
 * @throws {TypeError} that names the option and what was expected
 */
export function readDuration(name: string, value: Duration): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  const match = typeof value === 'string' ? /^(\d{1,10})(ms|s|m|h|d)$/.exec(value) : null
  if (!match) {
    throw new TypeError(
      `${name} is milliseconds or a duration such as '10s' or '15m', and not ${String(value)}.`,
    )
  }
  return Number(match[1]) * units[match[2] as keyof typeof units]
}
