import type { Knex } from 'knex'
import { deleteUnlocked } from './unlocked.ts'

/** A refresh token of the issuer before this one that counts no more. Times are milliseconds since the epoch. */
export interface ForeignTokenRecord {
  /** Of its `jti`. */
  readonly digest: string
  /** Of the session that took its place; null when it was blacklisted before. */
  readonly handle: string | null
  readonly at: number
  /** From then on it would be refused anyway. */
  readonly expiresAt: number
}

interface ForeignTokenRow {
  digest: string
  handle: string | null
  at: number
  expires_at: number
}

/** Stands for every user among those whose tokens were ended. */
const everybody = ''

/** The tables `foreign_refresh_tokens` and `foreign_token_ends`. */
export class ForeignTokenTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  /** @throws {DuplicateError} at the end of the transaction when there is one of this digest. */
  async insert(token: ForeignTokenRecord): Promise<void> {
    await this.#query('foreign_refresh_tokens').insert(toRow(token))
  }

  async insertAll(tokens: readonly ForeignTokenRecord[]): Promise<void> {
    if (tokens.length > 0) await this.#query('foreign_refresh_tokens').insert(tokens.map(toRow))
  }

  async find(digest: string): Promise<ForeignTokenRecord | undefined> {
    const row = await this.#query<ForeignTokenRow>('foreign_refresh_tokens').where({ digest }).first()
    return row && toRecord(row)
  }

  async findAll(digests: readonly string[]): Promise<readonly ForeignTokenRecord[]> {
    const rows = await this.#query<ForeignTokenRow>('foreign_refresh_tokens').whereIn('digest', digests)
    return rows.map(toRecord)
  }

  /** Ends those of a user, or of all users, that no session has taken the place of yet. Who did not come from elsewhere has none. */
  async end(which: { readonly user: string } | 'all', now: number): Promise<void> {
    if (which !== 'all') {
      const came = this.#query('users').where({ id: which.user }).whereNotNull('user_id_claim').first('id')
      if (!(await came)) return
    }
    const user = which === 'all' ? everybody : which.user
    await this.#query('foreign_token_ends').insert({ user, at: now }).onConflict('user').merge()
  }

  /** Whether those of a user that no session has taken the place of are ended. */
  async haveEnded(user: string): Promise<boolean> {
    const row = await this.#query('foreign_token_ends').whereIn('user', [user, everybody]).first()
    return row !== undefined
  }

  /** Deletes those that have expired, `limit` at most. @returns whether there may be more. */
  async deleteExpired(now: number, limit: number): Promise<boolean> {
    const expired = this.#query('foreign_refresh_tokens').where('expires_at', '<', now).limit(limit)
    return (await deleteUnlocked(this.#query, 'foreign_refresh_tokens', 'digest', expired)) >= limit
  }
}

function toRecord(row: ForeignTokenRow): ForeignTokenRecord {
  return { digest: row.digest, handle: row.handle, at: row.at, expiresAt: row.expires_at }
}

function toRow(token: ForeignTokenRecord): ForeignTokenRow {
  return { digest: token.digest, handle: token.handle, at: token.at, expires_at: token.expiresAt }
}
