import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const algorithm = 'aes-256-gcm'
const version = 1
const nonceBytes = 12
const tagBytes = 16

/** What a sealed text belongs to. It opens nowhere else. */
export interface SealContext {
  readonly installation: string
  /** The row's. */
  readonly name: string
}

/**
 * A key that seals secrets (AES-256-GCM, NIST SP 800-38D, with a random 96-bit nonce for each), derived from the one that
 * the operator keeps (HKDF, RFC 5869). A sealed text is base64url(version ‖ nonce ‖ ciphertext ‖ tag).
 */
export class VaultKey {
  /** Tells two vault keys apart, and tells nothing of them: 64 bits derived from the key. */
  readonly id: string
  readonly #key: Buffer

  /** `secret` has 32 random bytes. */
  constructor(secret: Uint8Array) {
    this.id = derive(secret, 'mintage vault key id', 8).toString('base64url')
    this.#key = derive(secret, 'mintage vault seal', 32)
  }

  seal(text: string, context: SealContext): string {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv(algorithm, this.#key, nonce, { authTagLength: tagBytes })
    cipher.setAAD(this.#bind(context))
    return Buffer.concat([
      Buffer.of(version),
      nonce,
      cipher.update(text, 'utf8'),
      cipher.final(),
      cipher.getAuthTag(),
    ]).toString('base64url')
  }

  /** Undefined when it was not sealed by this key for this place, or was changed since. */
  open(sealed: string, context: SealContext): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < 1 + nonceBytes + tagBytes || bytes[0] !== version) return undefined
    if (bytes.toString('base64url') !== sealed) return undefined
    const cipher = createDecipheriv(algorithm, this.#key, bytes.subarray(1, 1 + nonceBytes), {
      authTagLength: tagBytes,
    })
    cipher.setAAD(this.#bind(context))
    cipher.setAuthTag(bytes.subarray(-tagBytes))
    try {
      return Buffer.concat([
        cipher.update(bytes.subarray(1 + nonceBytes, -tagBytes)),
        cipher.final(),
      ]).toString()
    } catch {
      return undefined
    }
  }

  #bind({ installation, name }: SealContext): Buffer {
    return Buffer.from(JSON.stringify([version, installation, name, this.id]))
  }
}

function derive(secret: Uint8Array, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, bytes))
}
