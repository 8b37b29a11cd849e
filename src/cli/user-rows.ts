import { createReadStream, type Stats, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { AdminError } from '../admin/admin-error.ts'
import { type UserRow, userFields } from '../admin/user-import.ts'
import { quote } from '../lib/quote.ts'
import { suggest } from './suggestion.ts'

export type UserFormat = 'ndjson' | 'csv'

/** In bytes. A longer row holds no user, and is not held in memory. */
const longestRow = 65_536

/** A file of users that is read as a stream. */
export interface UserFile {
  readonly rows: AsyncIterable<UserRow>
  /** How much of it has been read, from 0 to 1; undefined where nobody knows how much there is. */
  share(): number | undefined
}

/** @param path `-` is stdin. @throws {AdminError} when there is no such file. */
export function openUserFile(path: string, format: UserFormat): UserFile {
  const size = path === '-' ? undefined : measure(path)
  let read = 0
  async function* count(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of path === '-' ? process.stdin : createReadStream(path)) {
        read += chunk.length
        yield chunk
      }
    } catch (error) {
      throw unreadable(path, error)
    }
  }
  return {
    rows: format === 'csv' ? readCsv(count()) : readNdjson(count()),
    share: () => (size === undefined || size === 0 ? undefined : Math.min(1, read / size)),
  }
}

function unreadable(path: string, cause: unknown): AdminError {
  const why = cause instanceof Error && 'code' in cause ? cause.code : cause
  return new AdminError(`${quote(path)} cannot be read (${why}): say a file that you may read.`, { cause })
}

function measure(path: string): number {
  let found: Stats
  try {
    found = statSync(path)
  } catch (error) {
    // A name that is too long is none of a file either.
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!/^E(NOENT|NOTDIR|NAMETOOLONG)$/.test(code)) throw unreadable(path, error)
    throw new AdminError(`There is no file ${quote(path)}: say the file with the users, or - for stdin.`)
  }
  if (found.isDirectory()) throw new AdminError(`${quote(path)} is a directory: say the file with the users.`)
  return found.size
}

/** One JSON object a line; empty lines are nothing. */
async function* readNdjson(bytes: AsyncIterable<Buffer>): AsyncGenerator<UserRow> {
  let line = 0
  for await (const row of splitLines(bytes)) {
    line++
    if (row === undefined) yield { line, problem: `It is longer than ${longestRow} bytes.` }
    else if (row.length > 0) yield parseLine(line, row)
  }
}

function parseLine(line: number, bytes: Buffer): UserRow {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim()
  } catch {
    return { line, problem: 'It is not text in UTF-8.' }
  }
  if (text === '') return { line, problem: 'It is empty but for space.' }
  try {
    return { line, fields: JSON.parse(text) }
  } catch {
    return { line, problem: 'It is not JSON: expected one object a line (for CSV say --format csv).' }
  }
}

/** The lines of a stream without their ends; undefined for one that is too long. */
async function* splitLines(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  let rest: Buffer[] = []
  let length = 0
  const take = () => {
    const line = length > longestRow ? undefined : Buffer.concat(rest)
    rest = []
    length = 0
    return line?.at(-1) === 0x0d ? line.subarray(0, -1) : line
  }
  for await (const chunk of bytes) {
    for (let start = 0; start < chunk.length; ) {
      const end = chunk.indexOf(0x0a, start)
      const piece = chunk.subarray(start, end === -1 ? chunk.length : end)
      length += piece.length
      if (length <= longestRow) rest.push(piece)
      if (end !== -1) yield take()
      start = end === -1 ? chunk.length : end + 1
    }
  }
  if (length > 0) yield take()
}

/** RFC 4180, with the names of the fields in its first row; an empty cell says nothing. */
async function* readCsv(bytes: AsyncIterable<Buffer>): AsyncGenerator<UserRow> {
  // Loaded here, since no other command needs it.
  const { parse } = await import('csv-parse')
  const skipped: UserRow[] = []
  const stream = Readable.from(bytes)
  const parser = stream.pipe(
    parse({
      bom: true,
      info: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: longestRow,
      columns: checkHead,
      on_skip(error) {
        const line = typeof error?.['lines'] === 'number' ? error['lines'] : 0
        skipped.push({ line, problem: describeCsvProblem(error?.code) })
        return undefined
      },
    }),
  )
  stream.on('error', (error) => parser.destroy(error))
  try {
    for await (const { record, info } of parser) {
      yield* skipped.splice(0)
      yield toRow(info.lines, record)
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))) throw error
    const line = 'lines' in error ? Number(error.lines) : 0
    skipped.push({ line, problem: `${describeCsvProblem(error.code)} The rest cannot be read.` })
  }
  yield* skipped
}

/** What the parser's codes mean. */
function describeCsvProblem(code: unknown): string {
  switch (code) {
    case 'CSV_RECORD_INCONSISTENT_COLUMNS':
      return 'It has another number of cells than the first row.'
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'A quote begins here and never ends.'
    case 'CSV_MAX_RECORD_SIZE':
      return `It is longer than ${longestRow} bytes.`
    default:
      return `It is no row of CSV (${code ?? 'unreadable'}).`
  }
}

function checkHead(names: readonly string[]): string[] {
  for (const name of names) {
    if (userFields.includes(name)) continue
    throw new AdminError(
      `The first row names the fields, and ${quote(name)} is none of them: ${userFields.join(', ')}.` +
        suggest(name, userFields),
    )
  }
  if (!names.includes('username'))
    throw new AdminError('The first row has no username, which every user has.')
  return [...names]
}

function toRow(line: number, record: Readonly<Record<string, string>>): UserRow {
  const fields: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(record)) {
    if (text.includes('\uFFFD')) return { line, problem: 'It is not text in UTF-8.' }
    if (text === '') continue
    if (name === 'claims') {
      try {
        fields[name] = JSON.parse(text)
      } catch {
        return { line, problem: 'claims: expected a JSON object.' }
      }
    } else if (name === 'disabled' || name === 'password_normalised') {
      fields[name] = text === 'true' ? true : text === 'false' ? false : text
    } else fields[name] = text
  }
  return { line, fields }
}
