import { randomBytes } from 'node:crypto'

/** `bytes` random bytes in base64url. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

/** An identifier that is never used again: the prefix and 128 random bits. */
export function randomId<Prefix extends string>(prefix: Prefix): `${Prefix}_${string}` {
  return `${prefix}_${randomToken(16)}`
}
