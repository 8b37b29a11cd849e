import type { Knex } from 'knex'
import type { Event } from '../events/event.ts'

/** One audit row. `at` is in milliseconds since the epoch. */
export interface AuditRecord {
  readonly id: number
  readonly at: number
  readonly event: Event
}

/** The table `audit`: rows are added in the transaction that they tell of, and never changed. */
export class AuditTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  async append(event: Event, at: number): Promise<void> {
    await this.#query('audit').insert(toAuditRow(event, at))
  }

  /** The newest `limit` rows, oldest first. */
  async tail(limit: number): Promise<readonly AuditRecord[]> {
    const rows = await this.#query('audit').orderBy('id', 'desc').limit(limit)
    return rows.reverse().map((row) => ({
      id: Number(row.id),
      at: Number(row.at),
      event: { type: row.type, ...JSON.parse(row.data) },
    }))
  }
}

export function toAuditRow(event: Event, at: number): { at: number; type: string; data: string } {
  const { type, ...data } = event
  return { at, type, data: JSON.stringify(data) }
}
