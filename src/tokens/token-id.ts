import { digest } from '../lib/digests.ts'
import { randomToken } from '../lib/ids.ts'

const randomLength = 16
const tagLength = 8

/**
 * A new `jti`: 128 random bits, and a tag by which {@link isTokenIdOf} knows the client again. A token shows the
 * client's name, and a name that is taken again, in the same second even, is another client.
 * @param client the client's immutable id, which the tag does not reveal.
 */
export function createTokenId(client: string): string {
  const random = Buffer.from(randomToken(randomLength), 'base64url')
  return Buffer.concat([random, tagOf(random, client)]).toString('base64url')
}

/** Whether the `jti`, of a token that this issuer signed, was made for the client of this immutable id. */
export function isTokenIdOf(jti: string, client: string): boolean {
  const bytes = Buffer.from(jti, 'base64url')
  return bytes.subarray(randomLength).equals(tagOf(bytes.subarray(0, randomLength), client))
}

function tagOf(random: Uint8Array, client: string): Buffer {
  return digest(Buffer.concat([random, Buffer.from(client)])).subarray(0, tagLength)
}
