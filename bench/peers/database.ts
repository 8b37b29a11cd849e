import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { account, findBinaries, PostgresServer } from '../../test/faults/postgres/server.ts'
import { findFreePort, type ServerRecipe } from '../server-process.ts'

/** Seen from `dist/`, for a script is not compiled. */
const script = fileURLToPath(new URL('../../../bench/peers/with-postgres', import.meta.url))

/** A PostgreSQL that nobody runs yet. */
export interface Database {
  /** As JDBC names it; its user is `postgres`, who needs no password. */
  readonly jdbc: string
  /** Turns the command of a server into one that runs the database as well, both below one process. */
  serve(command: string, args: readonly string[]): Pick<ServerRecipe, 'command' | 'args'>
}

/**
 * Makes a database in `directory`, and runs `statements` there.
 * @throws when PostgreSQL is not installed.
 */
export async function createDatabase(directory: string, statements = ''): Promise<Database> {
  const binaries = findBinaries()
  if (binaries === undefined) throw new Error('PostgreSQL is missing: apt-get install postgresql')
  const data = join(directory, 'postgres')
  mkdirSync(data)
  if (account.uid !== undefined && account.gid !== undefined) chownSync(data, account.uid, account.gid)
  // Its user must be able to pass through.
  for (const above of [directory, dirname(directory)]) chmodSync(above, 0o711)
  const port = await findFreePort()
  const server = new PostgresServer(binaries, data, port)
  await server.initialise()
  await server.start()
  try {
    await server.query(statements)
  } finally {
    await server.stop('fast')
  }
  return {
    jdbc: `jdbc:postgresql://127.0.0.1:${port}/postgres`,
    serve: (command, args) => ({ command: script, args: [binaries, data, String(port), command, ...args] }),
  }
}
