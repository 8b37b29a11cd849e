import type { Knex } from 'knex'
import type { Event } from '../events/event.ts'
import type { AuditText, Stamps } from './audit/seal.ts'

/** One audit row. `at` is in milliseconds since the epoch. */
export interface AuditRecord {
  readonly id: number
  readonly at: number
  readonly event: Event
}

/** Which rows: of one type or, by the word before the dot, of all its kind; from `since` to before `until`. */
export interface AuditFilter {
  readonly type?: string
  /** Milliseconds since the epoch. */
  readonly since?: number
  /** Milliseconds since the epoch. */
  readonly until?: number
}

/** The table `audit`: rows are added in the transaction that they tell of, and never changed. */
export class AuditTable {
  readonly #query: Knex
  readonly #stamps: Stamps

  constructor(query: Knex, stamps: Stamps) {
    this.#query = query
    this.#stamps = stamps
  }

  async append(events: readonly Event[], at: number): Promise<void> {
    if (events.length === 0) return
    await this.#query('audit').insert(events.map((event) => toAuditRow(event, at, this.#stamps)))
  }

  /** The newest `limit` rows, oldest first. */
  async tail(limit: number, filter: AuditFilter = {}): Promise<readonly AuditRecord[]> {
    const rows = await this.#select(filter).orderBy('id', 'desc').limit(limit)
    return rows.reverse().map(toRecord)
  }

  /** The oldest `limit` rows of those that come after the row `after`. */
  async page(after: number, limit: number, filter: AuditFilter = {}): Promise<readonly AuditRecord[]> {
    const rows = await this.#select(filter).where('id', '>', after).orderBy('id').limit(limit)
    return rows.map(toRecord)
  }

  #select({ type, since, until }: AuditFilter): Knex.QueryBuilder {
    const rows = this.#query('audit')
    if (since !== undefined) rows.where('at', '>=', since)
    if (until !== undefined) rows.where('at', '<', until)
    if (type !== undefined) rows.where((row) => row.where({ type }).orWhere('type', 'like', `${type}.%`))
    return rows
  }
}

function toRecord(row: { id: number; at: number; type: string; data: string }): AuditRecord {
  return { id: Number(row.id), at: Number(row.at), event: { type: row.type, ...JSON.parse(row.data) } }
}

export interface AuditRow extends AuditText {
  readonly stamp: string | null
}

export function toAuditRow(event: Event, at: number, stamps: Stamps): AuditRow {
  const { type, ...data } = event
  const text = { at, type, data: JSON.stringify(data) }
  return { ...text, stamp: stamps.stamp(text) }
}
