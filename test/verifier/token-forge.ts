import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  InvalidTokenError,
  type InvalidTokenReason,
  type JsonObject,
  parseCompactJws,
  verifyCompactJws,
} from '@mintage/verifier/jws'
import type { ExecutionContext } from 'ava'

export const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

export const goodHeader = { alg: 'RS256', typ: 'at+jwt', kid: 'key-1' }

/** Encodes what is signed: an object as JSON, a string as its UTF-8, bytes as they are. */
export function encodePart(part: object | string | Buffer): string {
  if (Buffer.isBuffer(part)) return part.toString('base64url')
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

/** A compact JWS over any header and payload, however wrong, with a good signature. */
export function forge(
  header: object | string | Buffer,
  payload: object | string | Buffer,
  key: KeyObject = privateKey,
): string {
  return signInput(`${encodePart(header)}.${encodePart(payload)}`, key)
}

/** Signs a signing input that is already encoded. */
export function signInput(input: string, key: KeyObject = privateKey): string {
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), key).toString('base64url')}`
}

/** The payload of a token whose signature is good. */
export function read(token: string, key: KeyObject = publicKey): JsonObject {
  return verifyCompactJws(parseCompactJws(token), key)
}

/** Asserts that the token is refused for this reason. */
export function refuses(
  t: ExecutionContext,
  token: string,
  reason: InvalidTokenReason,
  key = publicKey,
): void {
  const error = t.throws(() => read(token, key), { instanceOf: InvalidTokenError }, token)
  t.is(error?.reason, reason, token)
}
