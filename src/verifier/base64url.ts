import { InvalidTokenError } from './invalid-token-error.ts'

/** The last character of a text of that length, modulo 4, whose bits are all used (RFC 4648 §3.5). */
const lastCharacters: readonly (string | undefined)[] = [undefined, '', 'AQgw', 'AEIMQUYcgkosw048']

/**
 * Decodes canonical base64url (RFC 4648 §5, as RFC 7515 §2 narrows it): no padding, no white space, no character of
 * another alphabet, no loose bits at the end.
 * @throws {InvalidTokenError} `malformed`
 */
export function decodeBase64url(text: string): Buffer {
  refuseOtherAlphabets(text)
  return decodePart(text)
}

/**
 * Refuses what Node's decoder would take for base64url: the two characters of the standard alphabet, and wider characters,
 * of which it may use the lower half.
 * @throws {InvalidTokenError} `malformed`
 */
export function refuseOtherAlphabets(text: string): void {
  if (text.includes('+') || text.includes('/') || Buffer.byteLength(text) !== text.length) {
    throw new InvalidTokenError('malformed')
  }
}

/**
 * Decodes a part of a text that {@link refuseOtherAlphabets} let through.
 * @throws {InvalidTokenError} `malformed`
 */
export function decodePart(text: string): Buffer {
  const { length } = text
  const last = lastCharacters[length % 4]
  const bytes = Buffer.from(text, 'base64url')
  // The decoder skips what it does not know and stops at padding, so anything strange makes the result shorter.
  const isWhole = bytes.length === (length * 3) >> 2
  const isTight = last === undefined || (last !== '' && last.includes(text.charAt(length - 1)))
  if (!isWhole || !isTight) throw new InvalidTokenError('malformed')
  return bytes
}
