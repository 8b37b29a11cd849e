import { AdminError } from '../admin/admin-error.ts'
import { readCsv } from './csv.ts'
import { openDjangoDatabase, suggestDatabaseMapping } from './django-database.ts'
import { DjangoDump, readDumpArray, readDumpLines } from './dumpdata.ts'
import { type OpenFile, openFile } from './file.ts'
import type { ForeignDatabase } from './foreign-database.ts'
import { type MappingFile, readMapping } from './mapping.ts'
import { readNdjson } from './ndjson.ts'
import type { SourceFormat, SourceOptions, UserSource } from './source.ts'

type Opened =
  | { readonly database: ForeignDatabase }
  | { readonly file: OpenFile; readonly format: SourceFormat }

/**
 * Opens what users are taken from.
 * @param source a `postgres://` URL, the path of a file, or `-` for stdin.
 * @throws {AdminError} when it cannot be read, or a mapping is said for what needs none.
 */
export async function openSource(source: string, options: SourceOptions): Promise<UserSource> {
  const mapping: MappingFile = options.mapping === undefined ? {} : readMapping(options.mapping)
  const opened = await open(source, options.format)
  if ('database' in opened) {
    const { database } = opened
    return closeOnError(database, () => openDjangoDatabase(database, mapping))
  }
  const { file, format } = opened
  const plain = { name: source === '-' ? 'stdin' : source, share: file.share, close: file.close }
  if (format === 'dumpdata') {
    const dump = new DjangoDump(mapping)
    return { ...plain, rows: dump.read(readObjects(file)), untaken: () => dump.untaken() }
  }
  if (options.mapping !== undefined) throw needsNoMapping(format)
  const rows = format === 'csv' ? readCsv(file.bytes) : readNdjson(file.bytes)
  return { ...plain, rows, untaken: () => [] }
}

/** The mapping for what a source holds, as a text. @throws {AdminError} when it is no project of Django. */
export async function suggestSourceMapping(source: string, options: SourceOptions): Promise<string> {
  const { table } = options.mapping === undefined ? {} : readMapping(options.mapping)
  const opened = await open(source, options.format)
  if ('database' in opened) {
    return suggestDatabaseMapping(opened.database, table).finally(() => opened.database.close())
  }
  if (opened.format !== 'dumpdata') throw needsNoMapping(opened.format)
  return new DjangoDump(table === undefined ? {} : { table }).suggest(readObjects(opened.file))
}

function needsNoMapping(format: SourceFormat): AdminError {
  return new AdminError(
    `A mapping is for a project of Django; ${format} has the names of Mintage's own fields.`,
  )
}

/** A database that users come from; undefined where the source is a file of another kind. @throws {AdminError} */
export async function openForeignDatabase(source: string): Promise<ForeignDatabase | undefined> {
  const opened = await open(source, undefined)
  if ('database' in opened) return opened.database
  await opened.file.close()
  return undefined
}

async function open(source: string, format: SourceFormat | undefined): Promise<Opened> {
  if (/^postgres(?:ql)?:\/\//i.test(source)) {
    return { database: await (await import('./postgres-database.ts')).openPostgresDatabase(source) }
  }
  if (/^[a-z][a-z0-9+]*:\/\//i.test(source)) {
    throw new AdminError(
      'Users are read from postgres://…, from the file of a SQLite database, or from a dump or list.',
    )
  }
  const file = await openFile(source)
  if (file.beginning.subarray(0, 16).toString('latin1') !== 'SQLite format 3\0') {
    return { file, format: format ?? detect(source, file) }
  }
  await file.close()
  if (source === '-') throw new AdminError('A SQLite database is read from its file, not from stdin.')
  return { database: (await import('./sqlite-database.ts')).openSqliteDatabase(source) }
}

async function closeOnError<T>(database: ForeignDatabase, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    await database.close()
    throw error
  }
}

/** By the first bytes, and the name where they leave it open. */
function detect(path: string, { beginning }: OpenFile): SourceFormat {
  const text = beginning.toString('utf8').trimStart()
  if (text.startsWith('[')) return 'dumpdata'
  if (/\.csv$/i.test(path)) return 'csv'
  const [line = ''] = text.split('\n')
  return /^\{.*"model"\s*:\s*"\w+\.\w+"/.test(line) ? 'dumpdata' : 'ndjson'
}

/** A dump is one JSON array, or, with `--format jsonl`, an object a line. */
function readObjects(file: OpenFile): ReturnType<typeof readDumpArray> {
  const isArray = file.beginning.toString('utf8').trimStart().startsWith('[')
  return isArray ? readDumpArray(file.bytes) : readDumpLines(readNdjson(file.bytes))
}
