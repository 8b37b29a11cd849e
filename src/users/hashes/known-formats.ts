import { argon2 } from './argon2.ts'
import { bcrypt } from './bcrypt.ts'
import { BcryptSha256 } from './bcrypt-sha256.ts'
import { firebaseScrypt } from './firebase-scrypt.ts'
import { type CurrentFormat, type HashFormat, longestHash } from './hash-format.ts'
import { md5 } from './md5.ts'
import { pbkdf2Sha1, pbkdf2Sha256 } from './pbkdf2.ts'
import { scrypt } from './scrypt.ts'

/** The format of new hashes. */
export const currentFormat: CurrentFormat = new BcryptSha256()

/** Those that are read besides it. */
export const otherFormats: readonly HashFormat[] = [
  ...[pbkdf2Sha256, pbkdf2Sha1, bcrypt, argon2, scrypt, md5, firebaseScrypt],
]

const allFormats: readonly HashFormat[] = [currentFormat, ...otherFormats]

/** What a hash that was made elsewhere is to a login. */
export type HashJudgement = { readonly format: string } | { readonly problem: string }

/** Tells the format of a hash, or why no login can check it. The hash itself is never repeated. */
export function judgeHash(encoded: string): HashJudgement {
  if (encoded.length > longestHash) return { problem: `it is longer than ${longestHash} characters` }
  const found = allFormats.find((each) => each.recognises(encoded))
  if (found) return { format: found.id }
  for (const format of allFormats) {
    const problem = format.findProblem(encoded)
    if (problem !== undefined) return { problem: `it is one of ${format.id}, but ${problem}` }
  }
  const known = allFormats.map((each) => each.id).join(', ')
  return { problem: `it is of no format that a login here can check (known: ${known})` }
}

/**
 * Whether a text stands where a hash would and says that there is no password: Django's `!` and what follows it, the
 * `*` of Unix, nothing at all.
 */
export function isUnusable(encoded: string): boolean {
  return encoded === '' || encoded.startsWith('!') || encoded === '*'
}
