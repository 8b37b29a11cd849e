import type { Knex } from 'knex'
import type { Checkpoint } from './seal.ts'

/** Where the chain of the audit trail stands. */
export interface ChainRecord {
  /** Made with the database, and never changed: tells installations apart. */
  readonly installation: string
  /** Random; another one after every recovery, since which the chain tells of another past. */
  readonly epoch: string
  /** The id of the key that seals; null before the first one. */
  readonly key: number | null
  /** Rows up to this id are older than the first key and carry no stamp. */
  readonly adopted: number
  /** The place of the last sealed row; 0 before the first one. */
  readonly sequence: number
  /** The seal of that row. */
  readonly seal: string
  readonly checkpoint: Checkpoint | undefined
  /** Whether there is a row that is not sealed yet. */
  readonly isPending: boolean
}

export interface ChainRow {
  id: number
  installation: string
  epoch: string
  key: number | null
  adopted: number
  sequence: number
  seal: string
  checkpoint: string | null
  pending: number | boolean
}

const columns = ['installation', 'epoch', 'key', 'adopted', 'sequence', 'seal', 'checkpoint']

export function chainColumns(query: Knex): (string | Knex.Raw)[] {
  return [...columns, query.raw('EXISTS (SELECT 1 FROM audit WHERE sequence IS NULL) AS pending')]
}

export function toChainRecord(row: ChainRow): ChainRecord {
  return {
    installation: row.installation,
    epoch: row.epoch,
    key: row.key,
    adopted: row.adopted,
    sequence: row.sequence,
    seal: row.seal,
    checkpoint: row.checkpoint === null ? undefined : JSON.parse(row.checkpoint),
    isPending: Boolean(row.pending),
  }
}
