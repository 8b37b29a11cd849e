import { randomToken } from '../lib/ids.ts'
import type { StoreTransaction } from '../store/store.ts'

/**
 * Begins a new status epoch, for a database that went back in time and lacks revocations that verifiers have heard of.
 * All lists are gone, and a verifier that has heard of the new epoch counts each of them as all revoked.
 */
export function beginStatusEpoch(tx: StoreTransaction): Promise<void> {
  return tx.status.beginEpoch(randomToken(12))
}
