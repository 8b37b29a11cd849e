import { currentFormat } from './known-formats.ts'

const ofDjango = /^(?:pbkdf2_sha256|pbkdf2_sha1|bcrypt|argon2|scrypt|md5)\$/

/**
 * A hash as Django's hashers read it; undefined where none of them can. Ours are of its `bcrypt_sha256` as they are, and
 * what came from Django goes back as it came.
 */
export function toDjangoHash(encoded: string): string | undefined {
  if (currentFormat.recognises(encoded) || ofDjango.test(encoded)) return encoded
  if (/^\$2[ab]\$/.test(encoded)) return `bcrypt$${encoded}`
  // PHP's letter for the same algorithm, which Python's library does not know everywhere.
  if (encoded.startsWith('$2y$')) return `bcrypt$$2b$${encoded.slice(4)}`
  if (/^\$argon2(?:id|i)\$/.test(encoded)) return `argon2${encoded}`
  return undefined
}
