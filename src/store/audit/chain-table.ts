import type { Knex } from 'knex'
import type { Event } from '../../events/event.ts'
import { type ChainRecord, type ChainRow, chainColumns, toChainRecord } from './chain-record.ts'
import type { AuditText, Checkpoint } from './seal.ts'

/** One audit row as it stands in the database, with what it was sealed with. */
export interface SealedRecord extends AuditText {
  readonly id: number
  /** Null when whoever wrote it had no key. */
  readonly stamp: string | null
  /** Its place in the chain; null until it is sealed. */
  readonly sequence: number | null
  readonly seal: string | null
}

/** How many rows one step of a deletion takes. */
const batch = 1_000

const columns = ['id', 'at', 'type', 'data', 'stamp', 'sequence', 'seal'] as const

/** The table `audit_chain`, and the table `audit` as the chain sees it. */
export class ChainTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  /** The head of the chain, and whether there is a row that it does not hold yet. */
  async read(): Promise<ChainRecord> {
    const rows: readonly ChainRow[] = await this.#query('audit_chain')
      .where({ id: 1 })
      .select(chainColumns(this.#query))
    const [chain] = rows
    if (chain) return toChainRecord(chain)
    throw new Error('The table audit_chain is empty: somebody has deleted its row.')
  }

  /** Sealed rows in the order of the chain, from behind `after`. */
  async sealed(after: number, limit: number): Promise<readonly SealedRecord[]> {
    return this.#query<SealedRecord>('audit')
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(limit)
      .select(...columns)
  }

  /** Rows that are not sealed yet, in the order of their ids, from behind `after`. */
  async unsealed(after: number, limit: number): Promise<readonly SealedRecord[]> {
    return this.#query<SealedRecord>('audit')
      .whereNull('sequence')
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit)
      .select(...columns)
  }

  /** Rows of one type, oldest first. */
  async ofType(type: Event['type']): Promise<readonly SealedRecord[]> {
    return this.#query<SealedRecord>('audit')
      .where({ type })
      .orderBy('id')
      .select(...columns)
  }

  /** The seal at a place of the chain; undefined when no row stands there. */
  async sealAt(sequence: number): Promise<string | undefined> {
    const row = await this.#query('audit').where({ sequence }).first('seal')
    return row?.seal
  }

  /** Rows that occur more than once: a copy carries the stamp of its original. */
  async copiedStamps(): Promise<ReadonlySet<string>> {
    const rows = await this.#query('audit')
      .whereNotNull('stamp')
      .groupBy('stamp')
      .havingRaw('count(*) > 1')
      .select('stamp')
    return new Set(rows.map((row) => String(row.stamp)))
  }

  /**
   * Makes `key` the key of the chain if it still is `before` (null: the first one, which adopts the rows that are
   * there already).
   * @returns whether it was; otherwise another process was first.
   */
  async setKey(before: number | null, key: number): Promise<boolean> {
    const chain = this.#query('audit_chain').where({ id: 1 })
    const changed =
      before === null
        ? await chain
            .whereNull('key')
            .update({ key, adopted: this.#query.raw('(SELECT coalesce(max(id), 0) FROM audit)') })
        : await chain.where({ key: before }).update({ key })
    return changed === 1
  }

  /** From now on the chain tells of another past than the one that was lost. */
  async setEpoch(epoch: string): Promise<void> {
    await this.#query('audit_chain').where({ id: 1 }).update({ epoch })
  }

  /**
   * Lets the chain begin from `next`, if it still begins from `before` (undefined: from its first row).
   * @returns whether it did; otherwise another process has cut it meanwhile.
   */
  async moveCheckpoint(before: Checkpoint | undefined, next: Checkpoint): Promise<boolean> {
    const moved = await this.#query('audit_chain')
      .where({ id: 1, checkpoint: before === undefined ? null : JSON.stringify(before) })
      .update({ checkpoint: JSON.stringify(next) })
    return moved === 1
  }

  /** The last place of the chain before which every row is older than `before`; undefined when there is none. */
  async lastBefore(
    before: number,
  ): Promise<{ readonly sequence: number; readonly seal: string } | undefined> {
    const kept = await this.#query('audit')
      .whereNotNull('sequence')
      .where('at', '>=', before)
      .min({ first: 'sequence' })
      .first()
    const rows = this.#query('audit').whereNotNull('sequence').orderBy('sequence', 'desc')
    if (kept?.first !== null && kept?.first !== undefined) rows.where('sequence', '<', Number(kept.first))
    const row = await rows.first('sequence', 'seal')
    return row && { sequence: Number(row.sequence), seal: String(row.seal) }
  }

  /** Deletes a batch of the rows up to a place of the chain, and says how many it deleted. */
  async deleteUpTo(sequence: number): Promise<number> {
    const old = this.#query('audit').where('sequence', '<=', sequence).limit(batch).select('id')
    return this.#query('audit').whereIn('id', old).delete()
  }
}
