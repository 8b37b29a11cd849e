import type { Knex } from 'knex'
import type { IndexRange, StatusReference } from './status-change.ts'
import { type StatusLog, split } from './status-log.ts'

/** Sessions live long and client tokens shortly, so they never share a list. */
export type ListKind = 'session' | 'client'

/** A list that something unexpired may refer to. */
export interface StatusListRecord {
  readonly id: string
  readonly kind: ListKind
  /** How many places it has. */
  readonly size: number
  /** How many of them belong to a block. */
  readonly allocated: number
  /** The number of its last change. */
  readonly version: number
  /** Until when something unexpired may refer to it, in milliseconds since the epoch. */
  readonly neededUntil: number
  /** The bits, compressed, with all changes up to `bitsVersion`; null when none was saved. */
  readonly bits: Buffer | null
  readonly bitsVersion: number
}

/** Consecutive places that one process gives out, for one owner. */
export interface StatusBlock {
  readonly list: string
  readonly start: number
  readonly size: number
}

/** Which block is wanted. */
export interface BlockRequest {
  readonly kind: ListKind
  /** The id of a client, or {@link sessionsOwner}. */
  readonly owner: string
  /** How many places, at most. */
  readonly size: number
  /** How many places a list has that must be made for it. */
  readonly listSize: number
  /** The id of such a list. */
  readonly newList: string
  /** Until when something unexpired may refer to the block, in milliseconds since the epoch. */
  readonly neededUntil: number
}

/** Owns the blocks of all sessions. */
export const sessionsOwner = 'sessions'

interface ListRow {
  id: string
  kind: ListKind
  size: number
  allocated: number
  version: number
  needed_until: number
  bits: Buffer | null
  bits_version: number
}

/** The tables `status_lists` and `status_blocks`. */
export class StatusTable {
  readonly #query: Knex
  readonly #log: StatusLog

  constructor(query: Knex, log: StatusLog) {
    this.#query = query
    this.#log = log
  }

  /** Takes the next places of the open list, or of a new one when there is none. */
  async reserve(request: BlockRequest): Promise<StatusBlock> {
    const list = (await this.#findOpen(request.kind)) ?? (await this.#create(request))
    const size = Math.min(request.size, list.size - list.allocated)
    await this.#query('status_lists')
      .where({ id: list.id })
      .update({
        allocated: list.allocated + size,
        needed_until: Math.max(list.neededUntil, request.neededUntil),
      })
    const block = { list: list.id, start: list.allocated, size }
    await this.#query('status_blocks').insert({ ...block, owner: request.owner })
    return block
  }

  /** Whether places of this block may still be given out: it has not been revoked as a whole. */
  async isHeld({ list, start }: Pick<StatusBlock, 'list' | 'start'>): Promise<boolean> {
    return (await this.#query('status_blocks').where({ list, start }).first('size')) !== undefined
  }

  /**
   * Lets the next block come from a new list. A database that lost commits would give out places a second time that
   * were given out in the past that is lost.
   */
  async closeLists(): Promise<void> {
    await this.#query('status_lists')
      .whereRaw('allocated < size')
      .update({ allocated: this.#query.ref('size') })
  }

  /** Revokes all that an owner's blocks were given out for, or everything; nobody may give out more of them. */
  async revokeBlocks(owner: string | 'all'): Promise<void> {
    const blocks = () => this.#query('status_blocks').where(owner === 'all' ? {} : { owner })
    const rows = await blocks().orderBy(['list', 'start']).select('list', 'start', 'size')
    const byList = new Map<string, (readonly [number, number])[]>()
    for (const { list, start, size } of rows) {
      const ranges = byList.get(list) ?? []
      byList.set(list, ranges)
      const last = ranges.at(-1)
      if (last && last[1] + 1 === start) ranges[ranges.length - 1] = [last[0], start + size - 1]
      else ranges.push([start, start + size - 1])
    }
    for (const [list, ranges] of byList) {
      for (const part of split<IndexRange>(ranges)) {
        await this.#log.append({ kind: 'revoked', list, ranges: part })
      }
    }
    await blocks().delete()
  }

  /** Those that have not been retired. */
  async list(): Promise<readonly StatusListRecord[]> {
    return (await this.#query<ListRow>('status_lists').orderBy('id')).map(toRecord)
  }

  /** Whether {@link retire} has something to do, which a transaction would be too much for. */
  async isAnyNeedless(now: number): Promise<boolean> {
    return (await this.#needless(now).first('id')) !== undefined
  }

  /** Forgets the full lists that nothing unexpired refers to; says which. */
  async retire(now: number): Promise<readonly string[]> {
    const rows = await this.#needless(now).select('id')
    for (const { id } of rows) {
      await this.#query('status_blocks').where({ list: id }).delete()
      await this.#query('status_lists').where({ id }).delete()
      await this.#log.append({ kind: 'retired', list: id })
    }
    return rows.map(({ id }) => id)
  }

  /** The lists that changed since their bits were saved. */
  async unsaved(): Promise<readonly string[]> {
    const rows = await this.#query<ListRow>('status_lists').whereRaw('bits_version < version').select('id')
    return rows.map(({ id }) => id)
  }

  /** Keeps a list's bits as they were at `version`, unless newer ones are kept. */
  async saveBits(id: string, bits: Buffer, version: number): Promise<void> {
    await this.#query('status_lists')
      .where({ id })
      .where('bits_version', '<', version)
      .update({ bits, bits_version: version })
  }

  /** Forgets every list; verifiers that have heard of one count it as all revoked. */
  async beginEpoch(epoch: string): Promise<void> {
    await this.#query('status_blocks').delete()
    await this.#query('status_lists').delete()
    await this.#log.beginEpoch(epoch)
  }

  #needless(now: number) {
    return this.#query<ListRow>('status_lists').where('needed_until', '<', now).whereRaw('allocated = size')
  }

  async #findOpen(kind: ListKind): Promise<StatusListRecord | undefined> {
    const row = await this.#query<ListRow>('status_lists')
      .where({ kind })
      .whereRaw('allocated < size')
      .orderBy('id')
      .first()
    return row && toRecord(row)
  }

  async #create({ kind, newList, listSize }: BlockRequest): Promise<StatusListRecord> {
    const row: ListRow = {
      id: newList,
      kind,
      size: listSize,
      allocated: 0,
      version: 0,
      needed_until: 0,
      bits: null,
      bits_version: 0,
    }
    await this.#query('status_lists').insert(row)
    await this.#log.append({ kind: 'list', list: newList, size: listSize })
    return toRecord(row)
  }
}

/** Where a session's tokens stand; undefined for one that was started before there were lists. */
export function toReference(row: {
  readonly status_list: string | null
  readonly status_index: number | null
}): StatusReference | undefined {
  if (row.status_list === null || row.status_index === null) return undefined
  return { list: row.status_list, index: row.status_index }
}

function toRecord(row: ListRow): StatusListRecord {
  return {
    id: row.id,
    kind: row.kind,
    size: row.size,
    allocated: row.allocated,
    version: row.version,
    neededUntil: row.needed_until,
    bits: row.bits,
    bitsVersion: row.bits_version,
  }
}
