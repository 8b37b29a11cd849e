import type { Knex } from 'knex'
import { readRow } from './single-read.ts'
import {
  type ChangeRow,
  type NumberedChange,
  type StatusChange,
  type StatusReference,
  toChange,
  toChangeRow,
} from './status-change.ts'

/** Where the numbered changes stand. */
export interface StatusPosition {
  /** Random; changes only after the database was taken back in time. */
  readonly epoch: string
  /** The last number that was given. */
  readonly version: number
  /** Whether something is committed that has no number yet. */
  readonly isPending: boolean
  /** The change that has this number, as {@link identify} tells it; null when there is none, or no more. */
  readonly last: string | null
}

/** How many places one change names at most, so that no event is too large for a slow reader. */
const mostPlaces = 1_000

/** How many changes one transaction numbers at most. */
const mostNumbered = 1_000

interface PositionRow {
  readonly epoch: string
  readonly version: number | string
  readonly pending: number | boolean
  readonly last: string | null
}

const position = `SELECT epoch, version, EXISTS (SELECT 1 FROM status_pending) AS pending,
    (SELECT kind || ' ' || coalesce(list, '') || ' ' || data FROM status_log
     WHERE status_log.version = status_state.version) AS last
  FROM status_state`

/** The tables `status_state`, `status_pending` and `status_log`. */
export class StatusLog {
  readonly #query: Knex
  #appended = false

  constructor(query: Knex) {
    this.#query = query
  }

  /** Whether this transaction has written something that is to be numbered and told. */
  get hasAppended(): boolean {
    return this.#appended
  }

  /** Writes a change, in the transaction that it tells of. */
  async append(...changes: readonly StatusChange[]): Promise<void> {
    if (changes.length === 0) return
    this.#appended = true
    for (const change of changes) await this.#query('status_pending').insert(toChangeRow(change))
  }

  /** Writes the revocation of single places. */
  flag(references: readonly StatusReference[]): Promise<void> {
    const byList = new Map<string, number[]>()
    for (const { list, index } of references) {
      const indexes = byList.get(list) ?? []
      indexes.push(index)
      byList.set(list, indexes)
    }
    return this.append(...[...byList].flatMap(([list, idx]) => split(idx).map((part) => revoked(list, part))))
  }

  /** One statement, so that what is committed is either numbered or pending in it. */
  async position(): Promise<StatusPosition> {
    const row = await readRow<PositionRow>(this.#query, position)
    if (!row) throw new Error('The table status_state is empty.')
    const { epoch, version, pending, last } = row
    return {
      epoch,
      version: Number(version),
      isPending: Number(pending) === 1,
      last,
    }
  }

  /** What is committed and has no number yet. */
  async pending(): Promise<readonly StatusChange[]> {
    const rows = await this.#query<ChangeRow>('status_pending').orderBy('id')
    return rows.map(toChange)
  }

  /**
   * Numbers what is committed, in an order that each list's birth comes first in. Whoever does it holds the row of
   * the state, so that two processes number one after the other. Call it in a transaction that sees, after that row
   * is locked, all that was committed until then.
   */
  async number(): Promise<void> {
    const state = await this.#query('status_state').forUpdate().first('version')
    const rows = await this.#query<ChangeRow & { id: number }>('status_pending')
      .orderBy('id')
      .limit(mostNumbered)
      .select('*')
    if (rows.length === 0) return
    const known = await this.#knownLists(rows)
    let version = Number(state.version)
    for (const { kind, list, data } of rows) {
      // Nothing unexpired refers to a list that has been deleted.
      if (kind === 'revoked' && (list === null || !known.has(list))) continue
      version++
      await this.#query('status_log').insert({ version, kind, list, data })
      if (list !== null) await this.#query('status_lists').where({ id: list }).update({ version })
    }
    const ids = rows.map(({ id }) => id)
    for (const part of split(ids)) await this.#query('status_pending').whereIn('id', part).delete()
    await this.#query('status_state').update({ version })
  }

  /** The changes after `version`, by number; those that were pruned are missing. */
  async read(version: number, limit: number): Promise<readonly NumberedChange[]> {
    const rows = await this.#query<ChangeRow & { version: number }>('status_log')
      .where('version', '>', version)
      .orderBy('version')
      .limit(limit)
    return rows.map((row) => ({ version: row.version, change: toChange(row) }))
  }

  /** The number of the oldest change that is kept; undefined when there is none. */
  async oldest(): Promise<number | undefined> {
    const row = await this.#query('status_log').min('version as oldest').first()
    return row?.['oldest'] == null ? undefined : Number(row['oldest'])
  }

  /** Deletes the changes up to `version` that are in the saved bits of their list, or whose list is gone. */
  async prune(version: number): Promise<void> {
    const unsaved = this.#query('status_lists')
      .whereRaw('status_lists.id = status_log.list')
      .whereRaw('status_lists.bits_version < status_log.version')
    await this.#query('status_log').where('version', '<=', version).whereNotExists(unsaved).delete()
  }

  /** Forgets all changes, under a name that no verifier has heard of. */
  async beginEpoch(epoch: string): Promise<void> {
    await this.#query('status_pending').delete()
    await this.#query('status_log').delete()
    await this.#query('status_state').update({ epoch })
    this.#appended = true
  }

  /**
   * Goes on numbering from `version` (a time in milliseconds is beyond every number so far), for those in between may
   * have been given out in a past that is lost. Whoever resumes from there gets a snapshot.
   */
  async leapTo(version: number): Promise<void> {
    const leapt = await this.#query('status_state').where('version', '<', version).update({ version })
    const { kind, list, data } = toChangeRow({ kind: 'keys', withdrawn: [] })
    if (leapt === 1) await this.#query('status_log').insert({ version, kind, list, data })
    this.#appended = true
  }

  async #knownLists(rows: readonly ChangeRow[]): Promise<ReadonlySet<string>> {
    const lists = new Set(rows.map(({ list }) => list).filter((list) => list !== null))
    const found = new Set<string>()
    for (const part of split([...lists])) {
      for (const { id } of await this.#query('status_lists').whereIn('id', part).select('id')) found.add(id)
    }
    return found
  }
}

function revoked(list: string, idx: readonly number[]): StatusChange {
  return { kind: 'revoked', list, idx }
}

/** In parts of a size that one event and one statement can hold. */
export function split<T>(items: readonly T[]): readonly (readonly T[])[] {
  const parts: T[][] = []
  for (let start = 0; start < items.length; start += mostPlaces)
    parts.push(items.slice(start, start + mostPlaces))
  return parts
}
