import { OperatorError } from '../lib/operator-error.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'

/** The database cannot be used now: locked past the deadline, full, or gone. Nothing was written; try again. */
export class StoreUnavailableError extends UnavailableError {
  override readonly name = 'StoreUnavailableError'
}

/** The database cannot be used by this version of Mintage, and why. Trying again does not help. */
export class SchemaError extends OperatorError {
  override readonly name = 'SchemaError'
}

/** A name, audience or id is taken already; the transaction changed nothing. */
export class DuplicateError extends Error {
  override readonly name = 'DuplicateError'
}

/** The database's own code of an error, such as `SQLITE_FULL` or `40001`; empty when there is none. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether another connection holds the write lock, so that trying again soon may work. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error)
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')
}

/** Whether the transaction lost against another one and may be run again from its start. */
export function isConflict(error: unknown): boolean {
  return isBusy(error) || ['40001', '40P01'].includes(codeOf(error))
}

/** Whether a unique constraint refused the row. */
export function isDuplicate(error: unknown): boolean {
  return ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505'].includes(codeOf(error))
}

/** What a driver's code means, in words for the operator. */
const outages: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_FULL|^53100/, 'The disk of the database is full: free some space.'],
  [
    /^SQLITE_(NOTADB|CORRUPT)/,
    'The database file is damaged or was not written by SQLite: restore a backup, or name another file.',
  ],
  [
    /^SQLITE_(CANTOPEN|READONLY)/,
    'The database file cannot be opened for writing: let this user write the file and its folder.',
  ],
  [/^SQLITE_(IOERR|PROTOCOL)/, 'The disk of the database fails or is full: see to it.'],
  [
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|08|53|57P|58|55P03)/,
    'The database server cannot be reached or takes no work: see that it runs.',
  ],
]
/** What the PostgreSQL driver says, without a code, of a connection that broke. */
const broken = /\b(Connection terminated|timeout expired|Client has encountered a connection error)\b/

/** Turns what a driver threw into a {@link StoreUnavailableError} where it is one, and leaves the rest alone. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof StoreUnavailableError) return error
  if (isBusy(error)) {
    return new StoreUnavailableError('The database stayed locked past the deadline.', { cause: error })
  }
  if (isConflict(error)) {
    return new StoreUnavailableError('The transaction lost against others too often.', { cause: error })
  }
  const code = codeOf(error)
  const outage = outages.find(([codes]) => codes.test(code))
  if (outage) return new StoreUnavailableError(outage[1], { cause: error })
  if (error instanceof Error && broken.test(error.message)) {
    return new StoreUnavailableError('The connection to the database broke: see that it runs.', {
      cause: error,
    })
  }
  if (error instanceof Error && error.name === 'KnexTimeoutError') {
    return new StoreUnavailableError('The database is busy: no connection became free in time.', {
      cause: error,
    })
  }
  return error
}
