import { InvalidTokenError } from './invalid-token-error.ts'

/**
 * Decodes canonical base64url (RFC 4648 §5, as RFC 7515 §2 narrows it): no padding, no white space, no character of
 * another alphabet, no loose bits at the end.
 * @throws {InvalidTokenError} `malformed`
 */
export function decodeBase64url(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  // Node's decoder skips what it does not know. A text is canonical exactly when encoding gives it back.
  if (bytes.toString('base64url') !== text) throw new InvalidTokenError('malformed')
  return bytes
}
