import type { KeyObject } from 'node:crypto'
import { UnavailableError } from '../lib/unavailable-error.ts'
import type { RingRecord } from '../store/key-table.ts'
import { type Jwks, publishedJwk, renderJwks } from './jwks.ts'
import { importPublicKey, loadMacKey, loadSigner } from './key-pair.ts'
import { isCurrent, isPublished, isRetired, isWithdrawn, skew } from './schedule.ts'
import type { Signer } from './signer.ts'
import type { Vault } from './vault.ts'

/** One version of the ring with its keys loaded: what a process signs, verifies and publishes with. */
export interface RingView {
  readonly ring: RingRecord
  readonly jwks: Jwks
  /** The key to sign with; undefined when none that is published can be used. */
  readonly signer: Signer | undefined
  /** When everything that `signer` signs must have expired (milliseconds since the epoch); Infinity if it is current. */
  readonly signsUntil: number
  /** The published keys, by `kid`. */
  readonly publicKeys: ReadonlyMap<string, KeyObject>
  /** The published keys whose private half could be loaded, by `kid`. */
  readonly signers: ReadonlyMap<string, Signer>
  /** The MAC keys that could be loaded, by id. */
  readonly macKeys: ReadonlyMap<number, Buffer>
  /** Why keys of the ring could not be loaded. */
  readonly problems: readonly Error[]
}

/**
 * Loads the keys of a ring, those that `previous` holds already excepted: a key that was checked once is not read
 * again. When the current key cannot be loaded, the one that signed before goes on as long as it is published.
 * @throws {TypeError} when the database holds no RSA key under a `kid`; {UnavailableError} when the vault lies in a
 *   database that cannot be used.
 */
export async function loadView(ring: RingRecord, vault: Vault, previous?: RingView): Promise<RingView> {
  const signers = new Map<string, Signer>()
  const publicKeys = new Map<string, KeyObject>()
  const macKeys = new Map<number, Buffer>()
  const problems: Error[] = []

  for (const key of ring.keys.filter(isPublished)) {
    publicKeys.set(key.kid, previous?.publicKeys.get(key.kid) ?? importPublicKey(publishedJwk(key)))
    const signer = previous?.signers.get(key.kid) ?? (await attempt(loadSigner(vault, key), problems))
    if (signer) signers.set(key.kid, signer)
  }
  for (const { id } of ring.macKeys.filter((key) => !isWithdrawn(key))) {
    const macKey = previous?.macKeys.get(id) ?? (await attempt(loadMacKey(vault, id), problems))
    if (macKey) macKeys.set(id, macKey)
  }
  const chosen = chooseSigner(ring, signers, previous?.signer)
  return { ring, jwks: renderJwks(ring), ...chosen, publicKeys, signers, macKeys, problems }
}

function chooseSigner(
  ring: RingRecord,
  signers: ReadonlyMap<string, Signer>,
  previous: Signer | undefined,
): Pick<RingView, 'signer' | 'signsUntil'> {
  const current = ring.keys.find(isCurrent)
  const signer = current && signers.get(current.kid)
  if (signer) return { signer, signsUntil: Infinity }
  const retired = ring.keys.filter(isRetired).find((key) => key.kid === previous?.kid)
  if (!previous || !retired) return { signer: undefined, signsUntil: 0 }
  return { signer: previous, signsUntil: (retired.removableAt ?? 0) - skew(ring) }
}

async function attempt<T>(loading: Promise<T>, problems: Error[]): Promise<T | undefined> {
  try {
    return await loading
  } catch (error) {
    // A vault in the database is away with it, and says nothing of its keys.
    if (error instanceof UnavailableError) throw error
    problems.push(error instanceof Error ? error : new Error(String(error)))
    return undefined
  }
}
