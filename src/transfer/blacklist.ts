import { AdminError } from '../admin/admin-error.ts'
import type { BlacklistedToken } from '../admin/blacklist-import.ts'
import { toTime } from './django-record.ts'
import type { ForeignDatabase } from './foreign-database.ts'
import { openForeignDatabase } from './open-source.ts'

/** So many tokens are read at a time. */
const pageSize = 1_000

const blacklisted = 'token_blacklist_blacklistedtoken'
const outstanding = 'token_blacklist_outstandingtoken'

const query = `SELECT b."id" AS "id", o."jti" AS "jti", o."expires_at" AS "expires_at"
  FROM "${blacklisted}" b JOIN "${outstanding}" o ON o."id" = b."token_id"
  WHERE b."id" > ? ORDER BY b."id" LIMIT ${pageSize}`

/** The refresh tokens that a Django project has blacklisted. */
export interface Blacklist {
  readonly tokens: AsyncIterable<BlacklistedToken>
  close(): Promise<void>
}

/**
 * Opens the tables of `rest_framework_simplejwt.token_blacklist`.
 * @param source a `postgres://` URL, or the path of a SQLite file.
 * @throws {AdminError} when it cannot be read, or has no such tables.
 */
export async function openBlacklist(source: string): Promise<Blacklist> {
  const database = await openForeignDatabase(source)
  if (!database)
    throw new AdminError('A blacklist is read from postgres://…, or from the file of a SQLite database.')
  const tables = await database.describe().catch(async (error) => {
    await database.close()
    throw error
  })
  if (!tables.has(blacklisted) || !tables.has(outstanding)) {
    await database.close()
    throw new AdminError(
      `${database.name} has no table ${blacklisted}: the project does not use rest_framework_simplejwt.token_blacklist.`,
    )
  }
  return { tokens: read(database), close: () => database.close() }
}

async function* read(database: ForeignDatabase): AsyncGenerator<BlacklistedToken> {
  for (let after: unknown = 0; ; ) {
    const rows = await database.select(query, [after])
    for (const { jti, expires_at: expiresAt } of rows) {
      yield { jti: String(jti), expiresAt: Date.parse(toTime(String(expiresAt))) }
    }
    const last = rows.at(-1)
    if (!last) return
    after = last['id']
  }
}
