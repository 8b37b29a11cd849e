import { type KeyObject, sign } from 'node:crypto'

/** The private half of one signing key, ready for use. */
export interface Signer {
  readonly kid: string
  /**
   * RS256 (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 §3.3) over a JWS signing input (ASCII, RFC 7515 §5.1),
   * computed off the main thread. Resolves to the signature's bytes.
   */
  sign(signingInput: string): Promise<Buffer>
}

export function createSigner(kid: string, privateKey: KeyObject): Signer {
  return {
    kid,
    sign: (signingInput) =>
      new Promise((resolve, reject) => {
        sign('sha256', Buffer.from(signingInput, 'latin1'), privateKey, (error, signature) => {
          if (error) reject(error)
          else resolve(signature)
        })
      }),
  }
}
