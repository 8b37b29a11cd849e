import { OperatorError } from '../../lib/operator-error.ts'
import type { ChainRecord } from './chain-record.ts'
import type { Mark } from './high-water-mark.ts'

/** How the database stands to what this node has seen of it. */
export type Standing =
  /** Where the mark is, or ahead of it: commits that a crash kept the mark from following. */
  | { readonly kind: 'current'; readonly chain: ChainRecord }
  /** Nothing was ever sealed in it, and there is no mark. */
  | { readonly kind: 'new'; readonly chain: ChainRecord }
  /** It has a past, and this node has no mark: it was deleted, or the node is another one. */
  | { readonly kind: 'unmarked'; readonly chain: ChainRecord }
  /** The mark is of another installation. */
  | { readonly kind: 'foreign'; readonly chain: ChainRecord; readonly mark: Mark }
  /** It lacks what this node has seen: it was taken back in time. */
  | { readonly kind: 'old'; readonly chain: ChainRecord; readonly mark: Mark }

/** The database is not the one that this node has seen last; the message says what to do. */
export class OldDatabaseError extends OperatorError {
  override readonly name = 'OldDatabaseError'
}

/** Why a start is refused; undefined when nothing speaks against it. */
export function refusalOf(standing: Standing, path: string): OldDatabaseError | undefined {
  if (standing.kind === 'foreign' && standing.chain.sequence === 0) {
    return new OldDatabaseError(
      `The database is new, and the high-water mark ${path} is of another installation: bring its database back from a backup, or ` +
        'make MINTAGE_DATABASE_URL name it; to begin anew, keys and mark must go as well.',
    )
  }
  if (standing.kind === 'foreign') {
    return new OldDatabaseError(
      `The database is of another installation (${standing.chain.installation}) than the high-water mark ${path} ` +
        `(${standing.mark.installation}): see that MINTAGE_DATABASE_URL, MINTAGE_KEYS_DIR and MINTAGE_STATE_DIR belong ` +
        'together, or delete the mark if the database is the right one.',
    )
  }
  if (standing.kind !== 'old') return undefined
  const { chain, mark } = standing
  const how =
    mark.epoch === chain.epoch && mark.sequence > chain.sequence
      ? `its audit trail ends at row ${chain.sequence}, and this node has seen row ${mark.sequence}`
      : `its audit trail does not hold row ${mark.sequence} as this node has seen it`
  return new OldDatabaseError(
    `The database was taken back in time: ${how} (${path}). What was revoked, disabled or rotated since would work again. ` +
      'Bring back a later copy, or go on with one of these two.\n' +
      '`mintage recover --end-sessions` (ends all sessions and revokes all keys, so that nothing issued before works).\n' +
      '`mintage recover --accept-resurrection` (goes on with the database as it is, and whatever works again with it).',
  )
}
