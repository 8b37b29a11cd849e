import { createHmac, hash, timingSafeEqual } from 'node:crypto'

/** SHA-256 of a text (as UTF-8) or of bytes, in base64url. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'base64url')
}

/** SHA-256 of bytes: 32 bytes. */
export function digest(data: Uint8Array): Buffer {
  return hash('sha256', data, 'buffer')
}

/** HMAC-SHA-256 of `data` under `key`: 32 bytes. */
export function hmacSha256(key: Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

/** Compares in a time that depends on the lengths alone. */
export function equalsInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
