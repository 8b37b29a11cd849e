import type { Knex } from 'knex'
import { toStoreError } from './errors.ts'

/** A budget that is used up. Times are milliseconds since the epoch. */
export interface ThrottleRecord {
  /** Which budget, as `limits/` names it. */
  readonly key: string
  /** JSON: what is known of it. */
  readonly data: string
  readonly since: number
  readonly until: number
}

/** What an operator cleared, as JSON, in the order of `id`. */
export interface ClearingRecord {
  readonly id: number
  readonly data: string
}

interface ThrottleRow {
  key: string
  data: string
  since: number
  until: number
}

/** The tables of throttling: `throttles`, `known_networks`, `throttle_clearings`, and the rows of `throttle_counts`. */
export class ThrottleTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  /** Takes down that a budget is used up, or is so for longer. */
  async upsert(throttle: ThrottleRecord): Promise<void> {
    await this.#query('throttles').insert(throttle).onConflict('key').merge(['data', 'until'])
  }

  /** Those in force at `now`, the longest first. */
  async list(now: number): Promise<readonly ThrottleRecord[]> {
    const rows = await this.#query<ThrottleRow>('throttles').where('until', '>', now).orderBy('until', 'desc')
    return rows.map((row) => ({ ...row, since: Number(row.since), until: Number(row.until) }))
  }

  /**
   * When a subject was last seen at a network; undefined when it never was.
   * @throws {StoreUnavailableError} when the database cannot be used.
   */
  async seenAt(subject: string, network: string): Promise<number | undefined> {
    const row = await this.#query('known_networks')
      .where({ subject, network })
      .first('seen_at')
      .catch((error) => {
        throw toStoreError(error)
      })
    return row && Number(row.seen_at)
  }

  /** Takes down that a subject was seen at a network, and forgets all but the `most` that were seen last. */
  async see(subject: string, network: string, at: number, most: number): Promise<void> {
    await this.#query('known_networks')
      .insert({ subject, network, seen_at: at })
      .onConflict(['subject', 'network'])
      .merge()
    const kept = this.#query('known_networks').where({ subject }).orderBy('seen_at', 'desc').limit(most)
    await this.#query('known_networks')
      .where({ subject })
      .whereNotIn('network', kept.select('network'))
      .delete()
  }

  /** The keys of every count and every used-up budget that begin with `prefix`. */
  async keys(prefix: string): Promise<readonly string[]> {
    const begins = (table: string) => this.#query(table).whereLike('key', `${prefix}%`).select('key')
    const counts = await begins('throttle_counts')
    const throttles = await begins('throttles')
    return [...new Set([...counts, ...throttles].map(({ key }) => String(key)))]
  }

  /** Forgets the counts and used-up budgets of these keys, and tells how many of the latter there were. */
  async delete(keys: readonly string[]): Promise<number> {
    let deleted = 0
    for (let start = 0; start < keys.length; start += 500) {
      const some = keys.slice(start, start + 500)
      await this.#query('throttle_counts').whereIn('key', some).delete()
      deleted += await this.#query('throttles').whereIn('key', some).delete()
    }
    return deleted
  }

  async insertClearing(data: string, at: number): Promise<void> {
    await this.#query('throttle_clearings').insert({ data, at })
  }

  /** Those after the one of that id. */
  async clearings(after: number): Promise<readonly ClearingRecord[]> {
    const rows = await this.#query('throttle_clearings').where('id', '>', after).orderBy('id')
    return rows.map(({ id, data }) => ({ id: Number(id), data: String(data) }))
  }

  /** The id of the last one; 0 without any. */
  async lastClearing(): Promise<number> {
    const row = await this.#query('throttle_clearings').max('id as id').first()
    return Number(row?.['id'] ?? 0)
  }

  /**
   * Deletes what expired before `now`, networks that were last seen before `forgotten`, and clearings made before
   * `cleared`: `limit` rows of each at most. @returns whether there may be more.
   */
  async deleteExpired(
    now: number,
    { forgotten, cleared }: { readonly forgotten: number; readonly cleared: number },
    limit: number,
  ): Promise<boolean> {
    const deleted = [
      await this.#deleteSome('throttle_counts', ['key'], 'expire', now, limit),
      await this.#deleteSome('throttles', ['key'], 'until', now, limit),
      await this.#deleteSome('known_networks', ['subject', 'network'], 'seen_at', forgotten, limit),
      await this.#deleteSome('throttle_clearings', ['id'], 'at', cleared, limit),
    ]
    return deleted.some((count) => count >= limit)
  }

  #deleteSome(
    table: string,
    key: readonly string[],
    column: string,
    before: number,
    limit: number,
  ): Promise<number> {
    const some = this.#query(table).where(column, '<', before).limit(limit).select(key)
    // What was counted again since the rows were chosen stays.
    return this.#query(table)
      .whereIn([...key], some)
      .where(column, '<', before)
      .delete()
  }
}
