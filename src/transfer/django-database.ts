import { AdminError } from '../admin/admin-error.ts'
import type { UserRow } from '../admin/user-row.ts'
import { toUserRow } from './django-record.ts'
import { DjangoRelations } from './django-relations.ts'
import { type ForeignColumn, type ForeignDatabase, identifier } from './foreign-database.ts'
import { findUntaken, type MappingFile, resolveMapping, suggestMapping, type UserMapping } from './mapping.ts'
import type { UserSource } from './source.ts'

/** So many users are read at a time. */
const pageSize = 1_000

/** The table of users, as it was found. */
interface UserModel {
  readonly table: string
  readonly key: ForeignColumn
  readonly columns: readonly ForeignColumn[]
}

/**
 * The users of a Django project's own database, by their primary key, a page at a time: no transaction is held, so that
 * the project goes on; who comes or changes meanwhile is taken by the next run.
 * @throws {AdminError} when it holds no table of users, or several, or the mapping does not fit.
 */
export async function openDjangoDatabase(
  database: ForeignDatabase,
  mappingFile: MappingFile,
): Promise<UserSource> {
  const tables = await database.describe()
  const model = findUserModel(database, tables, mappingFile.table)
  const names = model.columns.map(({ name }) => name)
  const mapping = resolveMapping(mappingFile, names, model.key.name)
  const relations = new DjangoRelations(database, tables, model.table, mapping)
  await relations.load()
  const [counted] = await database.select(`SELECT count(*) AS "count" FROM ${identifier(model.table)}`)
  const total = Number(counted?.['count'] ?? 0)
  let read = 0
  async function* rows(): AsyncGenerator<UserRow> {
    for await (const page of readPages(database, model)) {
      const related = await relations.read(page[0]?.raw, page.at(-1)?.raw)
      for (const { raw, key, values } of page) {
        read++
        yield toUserRow(
          { place: `${model.key.name} ${key}`, values: { ...values, ...related(String(raw)) } },
          mapping,
        )
      }
    }
  }
  return {
    name: `the table ${model.table} of ${database.name}`,
    rows: rows(),
    share: () => (total === 0 ? undefined : Math.min(1, read / total)),
    untaken: () => describeUntaken(mapping, names, relations.areThere),
    close: () => database.close(),
  }
}

/** The mapping for the table of users that a database holds. @throws {AdminError} as {@link openDjangoDatabase}. */
export async function suggestDatabaseMapping(database: ForeignDatabase, table?: string): Promise<string> {
  const model = findUserModel(database, await database.describe(), table)
  return suggestMapping(
    model.table,
    model.columns.map(({ name }) => name),
    model.key.name,
  )
}

function describeUntaken(
  mapping: UserMapping,
  names: readonly string[],
  hasRelations: boolean,
): readonly string[] {
  return findUntaken(mapping, hasRelations ? names : [...names]).filter(
    (name) => hasRelations || names.includes(name),
  )
}

interface ReadUser {
  /** The primary key as the database has it. */
  readonly raw: unknown
  readonly key: string
  readonly values: Readonly<Record<string, unknown>>
}

async function* readPages(database: ForeignDatabase, model: UserModel): AsyncGenerator<readonly ReadUser[]> {
  const { key, columns, table } = model
  const select = `SELECT ${columns.map(({ name }) => identifier(name)).join(', ')} FROM ${identifier(table)}`
  const order = `ORDER BY ${identifier(key.name)} LIMIT ${pageSize}`
  for (let after: unknown; ; ) {
    const rows =
      after === undefined
        ? await database.select(`${select} ${order}`)
        : await database.select(`${select} WHERE ${identifier(key.name)} > ? ${order}`, [after])
    if (rows.length === 0) return
    yield rows.map((row) => ({
      raw: row[key.name],
      key: String(key.toJson(row[key.name])),
      values: Object.fromEntries(columns.map(({ name, toJson }) => [name, toJson(row[name])])),
    }))
    after = rows.at(-1)?.[key.name]
  }
}

/** A model of users has a password and the time of the last login (`AbstractBaseUser`). */
function findUserModel(
  database: ForeignDatabase,
  tables: ReadonlyMap<string, readonly ForeignColumn[]>,
  wanted: string | undefined,
): UserModel {
  const candidates = [...tables].filter(([, columns]) =>
    ['password', 'last_login'].every((name) => columns.some((column) => column.name === name)),
  )
  const names = candidates.map(([table]) => table).join(', ')
  const found = wanted === undefined ? candidates : [...tables].filter(([table]) => table === wanted)
  const [first, second] = found
  if (!first) {
    throw new AdminError(
      wanted === undefined
        ? `${database.name} holds no users of Django: no table has the columns password and last_login.`
        : `${database.name} has no table ${wanted}${names && `; those of users look to be ${names}`}.`,
    )
  }
  if (second)
    throw new AdminError(
      `${database.name} has several tables of users, ${names}: say which as table in a mapping.`,
    )
  const [table, columns] = first
  const keys = columns.filter(({ isKey }) => isKey)
  const [key] = keys
  if (!key || keys.length > 1) throw new AdminError(`The table ${table} has no primary key of one column.`)
  return { table, key, columns }
}
