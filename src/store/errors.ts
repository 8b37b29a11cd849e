import { UnavailableError } from '../lib/unavailable-error.ts'

/** The database cannot be used now: locked past the deadline, full, or gone. Nothing was written; try again. */
export class StoreUnavailableError extends UnavailableError {
  override readonly name = 'StoreUnavailableError'
}

/** The database cannot be used by this version of Mintage, and why. Trying again does not help. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

/** A name, audience or id is taken already. */
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

const unavailable =
  /^(SQLITE_(FULL|IOERR|CANTOPEN|READONLY|NOTADB|CORRUPT|PROTOCOL)|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|08|53|57P|58|55P03)/

/** What the PostgreSQL driver says, without a code, of a connection that broke. */
const broken = /\b(Connection terminated|timeout expired|Client has encountered a connection error)\b/

/** Turns what a driver threw into a {@link StoreUnavailableError} where it is one, and leaves the rest alone. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof StoreUnavailableError) return error
  if (isBusy(error)) {
    return new StoreUnavailableError('The database stayed locked past the deadline.', { cause: error })
  }
  const isBroken = error instanceof Error && (error.name === 'KnexTimeoutError' || broken.test(error.message))
  if (unavailable.test(codeOf(error)) || isBroken) {
    return new StoreUnavailableError('The database is full, unreachable or unreadable.', { cause: error })
  }
  return error
}
