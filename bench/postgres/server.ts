import { chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { account, findBinaries, PostgresServer } from '../../test/faults/postgres/server.ts'
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

/** `proc(5)` counts in hundredths of a second. */
const millisecondsPerTick = 10

/**
 * CPU that a PostgreSQL has used since it began, in milliseconds: its first process, all that live below it, and those
 * that have ended.
 */
export function readPostgresCpu({ data }: PostgresServer): number {
  const main = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  let ticks = 0
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const fields = readFields(Number(entry))
    if (Number(entry) === main) ticks += sum(fields.slice(11, 15))
    else if (Number(fields[1]) === main) ticks += sum(fields.slice(11, 13))
  }
  return ticks * millisecondsPerTick
}

/** What follows the name in `/proc/PID/stat`: the state, the parent, …; empty when the process has just ended. */
function readFields(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

function sum(fields: readonly string[]): number {
  return fields.reduce((total, field) => total + Number(field), 0)
}
