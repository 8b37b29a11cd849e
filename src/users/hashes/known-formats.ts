import { BcryptSha256 } from './bcrypt-sha256.ts'
import type { CurrentFormat, HashFormat } from './hash-format.ts'

/** The format of new hashes. */
export const currentFormat: CurrentFormat = new BcryptSha256()

/** Those that are read besides it. */
export const otherFormats: readonly HashFormat[] = []

/** Whether a login can check a hash that was made elsewhere. */
export function isKnownHash(encoded: string): boolean {
  return [currentFormat, ...otherFormats].some((format) => format.recognises(encoded))
}

/** What the known formats are called, for who has another one. */
export function listKnownFormats(): string {
  return [currentFormat, ...otherFormats].map((format) => format.id).join(', ')
}
