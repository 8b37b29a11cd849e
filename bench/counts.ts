/**
 * The whole number behind an option, such as `--rounds`; undefined where nothing is.
 * @throws {RangeError} when it is none, or below `least`.
 */
export function readCount(option: string, text: string, least?: number): number
export function readCount(option: string, text: string | undefined, least?: number): number | undefined
export function readCount(option: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (!Number.isInteger(count) || count < least) {
    throw new RangeError(`${option} is a whole number from ${least}.`)
  }
  return count
}
