import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { account, findBinaries, PostgresServer } from '../../test/faults/postgres/server.ts'
import { readCpuTime } from '../process-usage.ts'
import { findFreePort } from '../server-process.ts'

/**
 * Starts a PostgreSQL of its own in `directory`, as durable as it is by default.
 * @throws when PostgreSQL is not installed.
 */
export async function startPostgres(directory: string): Promise<PostgresServer> {
  const binaries = findBinaries()
  if (binaries === undefined) {
    throw new Error('PostgreSQL is not installed (Debian: apt-get install postgresql).')
  }
  const home = join(directory, 'postgres')
  mkdirSync(home)
  // The user that runs it must get there.
  if (account.uid !== undefined) chownSync(home, account.uid, account.gid ?? account.uid)
  const server = new PostgresServer(binaries, join(home, 'data'), await findFreePort())
  await server.initialise()
  await server.start()
  const settings = await server.query(
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')",
  )
  if (settings.some(({ setting }) => setting !== 'on')) throw new Error('This PostgreSQL is not durable.')
  return server
}

/** CPU that a PostgreSQL has used since it began, in milliseconds: all its processes, those that ended too. */
export function readPostgresCpu({ data }: PostgresServer): number {
  return readCpuTime(Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])).total
}
