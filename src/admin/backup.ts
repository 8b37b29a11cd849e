import { resolve } from 'node:path'
import { type BackupOptions, backUpSqlite } from '../store/sqlite-backup.ts'
import { AdminError } from './admin-error.ts'

/** What a backup wrote, and where. */
export interface Backup {
  readonly file: string
  readonly bytes: number
}

/**
 * Copies the database of an installation while it runs.
 * @throws {AdminError} on PostgreSQL, with the command that does it there; {BackupError} when it cannot be done.
 */
export async function backUp(databaseUrl: string, file: string, options: BackupOptions): Promise<Backup> {
  if (!databaseUrl.startsWith('sqlite:')) {
    throw new AdminError(
      'PostgreSQL copies itself while it runs, and Mintage made no copy. Use its own command, with the URL that ' +
        `MINTAGE_DATABASE_URL has: pg_dump --format=custom --file=${shellQuote(file)} --dbname="$MINTAGE_DATABASE_URL"`,
    )
  }
  const target = resolve(file)
  const bytes = await backUpSqlite(resolve(databaseUrl.slice('sqlite:'.length)), target, options)
  return { file: target, bytes }
}

/** The argument as a shell takes it for one word. */
function shellQuote(argument: string): string {
  return /^[\w./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
}
