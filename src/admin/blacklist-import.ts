import type { ForeignTokenRecord } from '../store/foreign-token-table.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import { digestTokenId } from '../tokens/foreign-tokens.ts'

/** A refresh token that the issuer before this one took back. */
export interface BlacklistedToken {
  readonly jti: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** How many tokens came to what. */
export interface BlacklistCounts {
  /** Refused from now on. */
  readonly taken: number
  /** Exchanged or blacklisted here before. */
  readonly known: number
  /** Refused anyway. */
  readonly expired: number
  /** How many sessions ended that such a token had been exchanged for. */
  readonly endedSessions: number
}

/** So many rows share a commit. */
const batchSize = 500

/** Takes over which refresh tokens the issuer before this one had blacklisted. It may be repeated. */
export class BlacklistImport {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** @throws {StoreUnavailableError} when the database cannot be used; the rows before it are in. */
  async run(tokens: AsyncIterable<BlacklistedToken>): Promise<BlacklistCounts> {
    const counts = { taken: 0, known: 0, expired: 0, endedSessions: 0 }
    const take = async (batch: ReadonlyMap<string, number>) => {
      if (batch.size === 0) return
      const came = await this.#store.transaction((tx) => takeBatch(tx, batch))
      counts.taken += came.taken
      counts.known += batch.size - came.taken
      counts.endedSessions += came.endedSessions
    }
    const now = await this.#store.now()
    let batch = new Map<string, number>()
    for await (const { jti, expiresAt } of tokens) {
      if (expiresAt <= now) {
        counts.expired++
        continue
      }
      batch.set(digestTokenId(jti), expiresAt)
      if (batch.size < batchSize) continue
      await take(batch)
      batch = new Map()
    }
    await take(batch)
    return counts
  }
}

async function takeBatch(
  tx: StoreTransaction,
  batch: ReadonlyMap<string, number>,
): Promise<Pick<BlacklistCounts, 'taken' | 'endedSessions'>> {
  const known = await tx.foreignTokens.findAll([...batch.keys()])
  const digests = new Set(known.map(({ digest }) => digest))
  const fresh = [...batch].filter(([digest]) => !digests.has(digest))
  await tx.foreignTokens.insertAll(
    fresh.map(([digest, expiresAt]): ForeignTokenRecord => ({ digest, handle: null, at: tx.now, expiresAt })),
  )
  let endedSessions = 0
  for (const { handle } of known) {
    const session = handle === null ? undefined : await tx.sessions.findByHandle(handle)
    if (!session) continue
    const { sid } = session
    const ended = await tx.sessions.end({ sid }, 'revoked_by_operator', tx.now)
    if (ended > 0) await tx.record({ type: 'session.revoked', sid, reason: 'revoked_by_operator' })
    endedSessions += ended
  }
  return { taken: fresh.length, endedSessions }
}
