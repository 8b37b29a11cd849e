import { parentPort } from 'node:worker_threads'
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

/**
 * Writes the log back as far as nobody is in the way (https://sqlite.org/pragma.html#pragma_wal_checkpoint). Opened each
 * time, so that no file is held on to that was moved away.
 */
function checkpoint(filename: string): void {
  const SqliteConnection = loadSqliteDriver()
  const connection = new SqliteConnection(filename, { fileMustExist: true, timeout: 0 })
  try {
    connection.pragma('wal_checkpoint(PASSIVE)')
  } finally {
    connection.close()
  }
}
