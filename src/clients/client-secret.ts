import { equalsInConstantTime, sha256 } from '../lib/digests.ts'
import { randomId, randomToken } from '../lib/ids.ts'
import type { ClientSecretRecord } from '../store/client-table.ts'

/** A secret that was just made: what its owner gets once, and what is kept. */
export interface NewClientSecret {
  readonly secret: string
  readonly record: ClientSecretRecord
}

/**
 * Makes a client secret of 256 random bits. That leaves nothing to guess, so a fast digest is enough to keep it,
 * where a password would need a slow one.
 */
export function createClientSecret(client: string, now: number): NewClientSecret {
  const secret = randomToken(32)
  return {
    secret,
    record: { id: randomId('sec'), client, digest: sha256(secret), createdAt: now, expiresAt: null },
  }
}

/** Whether `secret` is one of the valid secrets, in a time that tells neither which nor how nearly. */
export function matchesSecret(secret: string, valid: readonly ClientSecretRecord[], now: number): boolean {
  const presented = Buffer.from(sha256(secret))
  let matches = false
  for (const record of valid) {
    const equal = equalsInConstantTime(presented, Buffer.from(record.digest))
    matches = (equal && (record.expiresAt === null || now < record.expiresAt)) || matches
  }
  return matches
}
