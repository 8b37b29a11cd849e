import { OperatorError } from '../lib/operator-error.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'

/** The database cannot be used now: locked past the deadline, full, or gone. Nothing was written; try again. */
export class StoreUnavailableError extends UnavailableError {
  override readonly name: string = 'StoreUnavailableError'
}

/** The database answers, and only this request cannot be served now. */
export class StoreBusyError extends StoreUnavailableError {}

/** The connection broke while the database was committing: whether it has is unknown. */
export class UnknownCommitError extends StoreUnavailableError {
  override readonly name = 'UnknownCommitError'

  constructor(options: ErrorOptions) {
    super('The connection to the database broke at a commit, which may have been made or not.', options)
  }
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

/**
 * Whether the connection broke or leads to a server that takes no writes any more: it is not to be used again, and
 * whatever it had not committed is rolled back.
 */
export function isLost(error: unknown): boolean {
  const isBroken = error instanceof Error && broken.test(error.message)
  return isBroken || isFatal(error) || lost.test(codeOf(error))
}

/** Whether PostgreSQL ended the connection with this error, or did not let it come about, for whatever reason. */
function isFatal(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && ['FATAL', 'PANIC'].includes(String(error.severity))
}

/** Whether a unique constraint refused the row. */
export function isDuplicate(error: unknown): boolean {
  return ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505'].includes(codeOf(error))
}

/** Of sockets and of PostgreSQL: broken connections, shutdowns, a server that became a standby or is none yet. */
const lost = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET|08|57P0[1-5]|25006|25P03|53300|40003)/
/** What the PostgreSQL driver says, without a code, of a connection that broke. */
const broken =
  /\b(Connection terminated|timeout expired|Client has encountered a connection error|Connection ended unexpectedly)\b/

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
  [/^25006/, 'The database server takes no writes: it is a standby, or read-only.'],
  [/^55P03/, 'The database stayed locked past the deadline.'],
  [/^57014/, 'The database took too long for a statement.'],
  [/^53300/, 'The database server takes no more connections: see max_connections and MINTAGE_DATABASE_POOL.'],
  [/^28/, 'The database server refuses the user or its password: correct MINTAGE_DATABASE_URL.'],
  [/^3D000/, 'There is no such database on the server: create it, or correct MINTAGE_DATABASE_URL.'],
  [/^42501/, 'The user of MINTAGE_DATABASE_URL lacks a right on the database: let it own the database.'],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID/,
    'The certificate of the database server is for another host: correct the host in MINTAGE_DATABASE_URL.',
  ],
  [
    /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(VERIFY_LEAF|GET_ISSUER)|CERT_|ERR_SSL|ERR_OSSL)/,
    'The certificate of the database server is not trusted: name the CA that signed it with sslrootcert=FILE in MINTAGE_DATABASE_URL.',
  ],
  [
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET|08|53|57P|58|25P03|40003)/,
    'The database server cannot be reached or takes no work: see that it runs.',
  ],
]

/** What holds up one statement, and says nothing of the others. */
const holdUps = /^(55P03|57014)/

/**
 * Whether the database is away or cannot be written by anybody, as far as this error tells: a pool without a free
 * connection, a row that stayed locked and a transaction that lost against others are no outage.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof StoreBusyError) return false
  if (error instanceof StoreUnavailableError) return error.cause === undefined || isOutage(error.cause)
  // The one write lock of SQLite is everybody's.
  if (isLost(error) || isBusy(error)) return true
  const code = codeOf(error)
  if (holdUps.test(code)) return false
  return outages.some(([codes]) => codes.test(code)) || isWithoutTls(error)
}

function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && /does not support SSL/.test(error.message)
}

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
  if (isWithoutTls(error)) {
    return new StoreUnavailableError(
      'The database server has no TLS: turn it on there, or say sslmode=disable in MINTAGE_DATABASE_URL.',
      { cause: error },
    )
  }
  if (isFatal(error) || (error instanceof Error && broken.test(error.message))) {
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
