import type { Knex } from 'knex'

/** The table `revoked_access_tokens`: tokens taken back one by one, until they would have expired anyway. */
export class RevokedTokenTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  /** Says whether the token was not revoked before. `expiresAt` is in milliseconds since the epoch. */
  async insert(jti: string, expiresAt: number): Promise<boolean> {
    const inserted = await this.#query('revoked_access_tokens')
      .insert({ jti, expires_at: expiresAt })
      .onConflict('jti')
      .ignore()
      .returning('jti')
    return inserted.length === 1
  }

  async has(jti: string): Promise<boolean> {
    return (await this.#query('revoked_access_tokens').where({ jti }).first('jti')) !== undefined
  }

  /** Deletes at most `limit` rows that expired before `before`, and says how many it deleted. */
  async deleteExpired(limit: number, before: number): Promise<number> {
    const expired = this.#query('revoked_access_tokens')
      .where('expires_at', '<', before)
      .limit(limit)
      .select('jti')
    return this.#query('revoked_access_tokens').whereIn('jti', expired).delete()
  }
}
