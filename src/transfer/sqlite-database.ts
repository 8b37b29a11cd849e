import { AdminError } from '../admin/admin-error.ts'
import { quote } from '../lib/quote.ts'
import { loadSqliteDriver } from '../store/sqlite-driver.ts'
import { toTime } from './django-record.ts'
import type { ForeignColumn, ForeignDatabase } from './foreign-database.ts'
import { toNumber } from './foreign-database.ts'

/** In milliseconds; whoever writes it holds it no longer. */
const patience = 10_000

/** Each query holds its lock no longer than it takes, so that the project goes on writing. @throws {AdminError} */
export function openSqliteDatabase(path: string): ForeignDatabase {
  const attempt = <T>(work: () => T): T => {
    try {
      return work()
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : cause
      throw new AdminError(`The SQLite database ${quote(path)} cannot be read: ${why}.`, { cause })
    }
  }
  const connection = attempt(() => {
    const Driver = loadSqliteDriver()
    return new Driver(path, { readonly: true, fileMustExist: true, timeout: patience })
  })
  const select = (sql: string, values: readonly unknown[] = []) =>
    attempt(
      () =>
        connection.prepare(sql).safeIntegers().all(values) as readonly Readonly<Record<string, unknown>>[],
    )
  return {
    name: path,
    async describe() {
      const rows = select(
        `SELECT m.name AS "table", m.sql AS "sql", p.name AS "name", p.type AS "type", p.pk AS "key"
         FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' ORDER BY m.name, p.cid`,
      )
      const tables = new Map<string, ForeignColumn[]>()
      for (const { table, sql, name, type, key } of rows) {
        const columns = tables.get(String(table)) ?? []
        // Django declares a JSONField as a text that is checked.
        const isJson = String(sql).includes(`JSON_VALID("${name}")`)
        const kind = isJson ? 'json' : String(type).toLowerCase()
        columns.push({ name: String(name), isKey: key !== 0n, toJson: (value) => toJson(value, kind) })
        tables.set(String(table), columns)
      }
      return tables
    },
    select: async (sql, values) => select(sql, values),
    async close() {
      connection.close()
    },
  }
}

/** @param kind the type that Django declared the column with, in its words for SQLite. */
function toJson(value: unknown, kind: string): unknown {
  if (typeof value === 'bigint') {
    return kind.startsWith('bool') && (value === 0n || value === 1n) ? value === 1n : toNumber(value)
  }
  if (typeof value !== 'string') return value
  if (kind === 'datetime') return toTime(value)
  if (kind === 'char(32)' && /^[0-9a-f]{32}$/.test(value)) {
    return value.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  if (kind !== 'json') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
