import { parentPort } from 'node:worker_threads'
import type { Database } from 'better-sqlite3'
import { loadSqliteDriver } from './sqlite-driver.ts'

/** What runs in the thread of `SqliteCheckpoints`: each message names a database file, and is answered when it is done. */
parentPort?.on('message', (filename: string) => {
  try {
    checkpoint(filename)
  } catch {
    // A full disk or a file that is gone meets the next commit as well, which says so to whom it concerns.
  }
  parentPort?.postMessage('done')
})

/** Each time there is less left to write than the time before. */
const mostTurns = 8

/**
 * Writes the log back beside those that add to it, until nothing was added meanwhile: whoever writes next finds all of it
 * in the database, and begins it anew. Opened each time, so that no file is held on to that was moved away.
 */
function checkpoint(filename: string): void {
  const SqliteConnection = loadSqliteDriver()
  const connection = new SqliteConnection(filename, { fileMustExist: true, timeout: 0 })
  try {
    for (let turn = 0, before = -1; turn < mostTurns; turn++) {
      const pages = writeBack(connection)
      if (pages === before) return
      before = pages
    }
  } finally {
    connection.close()
  }
}

/** How many pages the log has now (https://sqlite.org/pragma.html#pragma_wal_checkpoint). */
function writeBack(connection: Database): number {
  const [outcome] = connection.pragma('wal_checkpoint(PASSIVE)') as readonly { readonly log: number }[]
  return outcome?.log ?? 0
}
