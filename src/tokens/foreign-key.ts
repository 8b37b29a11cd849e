import { createPublicKey, type KeyObject } from 'node:crypto'
import { isRs256PublicKey } from '@mintage/verifier/jws'

/**
 * What the issuer before this one signed with. The algorithm is that of the key and never what a token says of
 * itself, so a public key is no secret of HS256 (RFC 8725 §3.1).
 */
export type ForeignKey =
  | { readonly algorithm: 'HS256'; readonly secret: Buffer }
  | { readonly algorithm: 'RS256'; readonly publicKey: KeyObject }

/** A shorter one can be guessed from a single token (RFC 7518 §3.2). */
export const leastSecretBytes = 32

/** Reads a PEM with an RSA key of at least 2048 bits, or the text of a secret; undefined for anything else. */
export function readForeignKey(text: string): ForeignKey | undefined {
  if (text.includes('-----BEGIN ')) return readPem(text)
  const secret = Buffer.from(text)
  return secret.length < leastSecretBytes ? undefined : { algorithm: 'HS256', secret }
}

function readPem(text: string): ForeignKey | undefined {
  try {
    const publicKey = createPublicKey(text)
    return isRs256PublicKey(publicKey) ? { algorithm: 'RS256', publicKey } : undefined
  } catch {
    return undefined
  }
}
