import pg from 'pg'
import { AdminError } from '../admin/admin-error.ts'
import { quote } from '../lib/quote.ts'
import { toTime } from './django-record.ts'
import { type ForeignColumn, type ForeignDatabase, toNumber } from './foreign-database.ts'

const { builtins, getTypeParser } = pg.types

/** What is more than a text in JSON; everything else comes as PostgreSQL writes it. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  [builtins.BOOL]: (text) => text === 't',
  [builtins.INT2]: toNumber,
  [builtins.INT4]: toNumber,
  [builtins.INT8]: toNumber,
  [builtins.FLOAT4]: Number,
  [builtins.FLOAT8]: Number,
  [builtins.JSON]: (text) => JSON.parse(text),
  [builtins.JSONB]: (text) => JSON.parse(text),
  [builtins.TIMESTAMP]: toTime,
  [builtins.TIMESTAMPTZ]: toTime,
  [builtins.BYTEA]: getTypeParser(builtins.BYTEA),
}

const tablesQuery = `
  SELECT c.relname AS "table", a.attname AS "name", coalesce(i.indisprimary, false) AS "key"
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)
  WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  ORDER BY c.relname, a.attnum`

/**
 * What the URL leaves out comes from where psql has it too: `PGPASSWORD`, `~/.pgpass`, `PGSSLMODE`.
 * @throws {AdminError} that repeats nothing of the URL but where it leads.
 */
export async function openPostgresDatabase(url: string): Promise<ForeignDatabase> {
  const { hostname, port, pathname } = parseUrl(url)
  const name = `${hostname}${port && `:${port}`}${pathname}`
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      const why = cause instanceof Error ? cause.message || ('code' in cause && cause.code) : cause
      throw new AdminError(`The PostgreSQL database ${quote(name)} cannot be read: ${why}.`, { cause })
    }
  }
  const client = new pg.Client({
    connectionString: url,
    application_name: 'mintage user import',
    types: { getTypeParser: (id: number) => parsers[id] ?? String },
  })
  // An error between two queries is told by the second.
  client.on('error', () => undefined)
  await attempt(async () => {
    await client.connect()
    await client.query("SET default_transaction_read_only = on; SET TIME ZONE 'UTC'; SET DateStyle = ISO")
  })
  const select = (sql: string, values: readonly unknown[] = []) =>
    attempt(async () => {
      let count = 0
      const numbered =
        values.length === 0
          ? sql
          : sql.replace(/"[^"]*"|\?/g, (part) => (part === '?' ? `$${++count}` : part))
      return (await client.query(numbered, [...values])).rows
    })
  return {
    name,
    async describe() {
      const tables = new Map<string, ForeignColumn[]>()
      for (const { table, name: column, key } of await select(tablesQuery)) {
        const columns = tables.get(table) ?? []
        columns.push({ name: column, isKey: key, toJson: (value) => value })
        tables.set(table, columns)
      }
      return tables
    },
    select,
    close: () => client.end(),
  }
}

function parseUrl(url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw new AdminError('The URL of the database is none: expected postgres://USER@HOST:PORT/DATABASE.')
  }
}
