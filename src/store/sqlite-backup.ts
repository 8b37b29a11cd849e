import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { OperatorError } from '../lib/operator-error.ts'
import { quote } from '../lib/quote.ts'
import { toStoreError } from './errors.ts'
import { loadSqliteDriver } from './sqlite-driver.ts'

/** How far a copy has come, in pages. */
export interface BackupProgress {
  readonly done: number
  readonly total: number
}

export interface BackupOptions {
  /** Whether to replace a file that is there. */
  readonly overwrite: boolean
  readonly onProgress: (progress: BackupProgress) => void
}

/** The copy cannot be made, or is none. The message says why and what to do. */
export class BackupError extends OperatorError {
  override readonly name = 'BackupError'
}

/** Copied between two turns of the event loop. */
const pagesAtOnce = 256

/**
 * Copies a SQLite database while others write to it, checks the copy, and only then gives it its name: mode 0600, synced to
 * the disk, one file without a log beside it. The database is opened for reading and its schema left as it is.
 * @returns the size of the copy in bytes.
 * @throws {BackupError}, {StoreUnavailableError} when the database cannot be read.
 */
export async function backUpSqlite(source: string, target: string, options: BackupOptions): Promise<number> {
  checkTarget(source, target, options.overwrite)
  const draft = join(dirname(target), `.mintage-backup-${randomUUID()}.part`)
  try {
    closeSync(openSync(draft, 'wx', 0o600))
    chmodSync(draft, 0o600)
    await copy(source, draft, options)
    const bytes = check(draft)
    sync(draft)
    give(draft, target, options.overwrite)
    sync(dirname(target))
    return bytes
  } catch (error) {
    const reason = toStoreError(error)
    if (!isFileError(reason)) throw reason
    if (!existsSync(dirname(target))) {
      throw new BackupError(
        `There is no directory ${quote(dirname(target))}: make it, or name a file elsewhere.`,
        {
          cause: error,
        },
      )
    }
    throw new BackupError(
      `${quote(target)} cannot be written (${reason.code ?? reason.message}): name a file that you may write.`,
      {
        cause: error,
      },
    )
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) deleteQuietly(draft + suffix)
  }
}

/** Where nothing could be made there is nothing to delete, and the reason for that is worth more. */
function deleteQuietly(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {}
}

function checkTarget(source: string, target: string, overwrite: boolean): void {
  if (!existsSync(source)) {
    throw new BackupError(
      `There is no database at ${quote(source)}: make MINTAGE_DATABASE_URL name the one to copy.`,
    )
  }
  const own = [source, realpathSync(source)].flatMap((file) => [file, `${file}-wal`, `${file}-shm`])
  const real = existsSync(target) ? realpathSync(target) : resolve(target)
  if (own.includes(real)) throw new BackupError(`${quote(target)} is the database itself: name another file.`)
  if (!overwrite && existsSync(target)) {
    throw new BackupError(
      `${quote(target)} is there already: name another file, or say --force to replace it.`,
    )
  }
}

async function copy(source: string, draft: string, { onProgress }: BackupOptions): Promise<void> {
  const Sqlite = loadSqliteDriver()
  const connection = new Sqlite(source, { readonly: true, fileMustExist: true, timeout: 5_000 })
  try {
    // A reading transaction keeps what it sees; without one every change by another process starts the copy anew.
    connection.exec('BEGIN')
    connection.prepare('SELECT count(*) FROM sqlite_master').get()
    await connection.backup(draft, {
      progress({ totalPages, remainingPages }) {
        onProgress({ done: totalPages - remainingPages, total: totalPages })
        return pagesAtOnce
      },
    })
  } finally {
    connection.close()
  }
}

/** @returns the size in bytes. */
function check(draft: string): number {
  const Sqlite = loadSqliteDriver()
  const copied = new Sqlite(draft, { fileMustExist: true })
  try {
    // The copy is to stand by itself; Mintage turns the log on again when it opens it.
    copied.pragma('journal_mode = DELETE')
    const found = copied.pragma('integrity_check', { simple: true })
    if (found !== 'ok') {
      throw new BackupError(`The copy is damaged, and so may be the database: SQLite says ${found}.`)
    }
    return (
      Number(copied.pragma('page_count', { simple: true })) *
      Number(copied.pragma('page_size', { simple: true }))
    )
  } finally {
    copied.close()
  }
}

/** Not every file system has links, which, unlike a renaming, replace nothing that has appeared meanwhile. */
function give(draft: string, target: string, overwrite: boolean): void {
  if (!overwrite) {
    try {
      linkSync(draft, target)
      return
    } catch (error) {
      if (existsSync(target)) throw error
    }
  }
  renameSync(draft, target)
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}
