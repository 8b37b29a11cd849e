import { InvalidTokenError } from './invalid-token-error.ts'

/** The last character of a text of that length, modulo 4, whose bits are all used (RFC 4648 §3.5). */
const lastCharacters: readonly (string | undefined)[] = [undefined, '', 'AQgw', 'AEIMQUYcgkosw048']

/**
 * Decodes canonical base64url (RFC 4648 §5, as RFC 7515 §2 narrows it): no padding, no white space, no character of
 * another alphabet, no loose bits at the end.
 * @throws {InvalidTokenError} `malformed`
 */
export function decodeBase64url(text: string): Buffer {
  const { length } = text
  const last = lastCharacters[length % 4]
  const bytes = Buffer.from(text, 'base64url')
  // Node's decoder skips what it does not know, so anything strange makes the result shorter; of another alphabet it
  // knows these two, and of a wider character it may take the lower half, so that one is no text of this kind at all.
  const isCanonical =
    bytes.length === (length * 3) >> 2 &&
    (last === undefined || (last !== '' && last.includes(text.charAt(length - 1)))) &&
    !text.includes('+') &&
    !text.includes('/') &&
    Buffer.byteLength(text) === length
  if (!isCanonical) throw new InvalidTokenError('malformed')
  return bytes
}
