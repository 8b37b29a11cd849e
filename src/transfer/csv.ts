import { Readable } from 'node:stream'
import { AdminError } from '../admin/admin-error.ts'
import { type UserRow, userFields } from '../admin/user-row.ts'
import { quote } from '../lib/quote.ts'
import { suggest } from '../lib/suggestion.ts'
import { longestRow } from './file.ts'

/** RFC 4180, with the names of the fields in its first row; an empty cell says nothing. */
export async function* readCsv(bytes: AsyncIterable<Buffer>): AsyncGenerator<UserRow> {
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
        skipped.push({ place: `line ${line}`, problem: describeCsvProblem(error?.code) })
        return undefined
      },
    }),
  )
  stream.on('error', (error) => parser.destroy(error))
  try {
    for await (const { record, info } of parser) {
      yield* skipped.splice(0)
      yield toRow(`line ${info.lines}`, record)
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))) throw error
    const line = 'lines' in error ? Number(error.lines) : 0
    skipped.push({
      place: `line ${line}`,
      problem: `${describeCsvProblem(error.code)} The rest cannot be read.`,
    })
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

function toRow(place: string, record: Readonly<Record<string, string>>): UserRow {
  const fields: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(record)) {
    if (text.includes('\uFFFD')) return { place, problem: 'It is not text in UTF-8.' }
    if (text === '') continue
    if (name === 'claims') {
      try {
        fields[name] = JSON.parse(text)
      } catch {
        return { place, problem: 'claims: expected a JSON object.' }
      }
    } else if (name === 'disabled' || name === 'password_normalised') {
      fields[name] = text === 'true' ? true : text === 'false' ? false : text
    } else fields[name] = text
  }
  return { place, fields }
}
