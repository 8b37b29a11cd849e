import { formatDuration } from '../lib/durations.ts'

/** What a command prints of one thing. Names are those of the JSON output. */
export type Printable = Readonly<Record<string, unknown>>

/** The option that every command has. */
export interface Json {
  readonly json?: boolean
}

/** Examples stand first in a command's help. */
export function examples(...lines: readonly string[]): string {
  return `Examples:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

/** Data goes to stdout: JSON for programs, aligned columns for people. */
export function print(value: Printable | readonly Printable[], json = false): void {
  if (json) process.stdout.write(`${JSON.stringify(value)}\n`)
  else process.stdout.write(isList(value) ? formatTable(value) : formatFields(value))
}

/** Stdout takes no more: its reader went away, or the disk is full. Whoever watches stdout has said so. */
export class OutputLostError extends Error {
  override readonly name = 'OutputLostError'
}

/** What is wrong was told already, as data; the exit code is all that is left to say. */
export class ReportedError extends Error {
  override readonly name = 'ReportedError'
}

/** Writes to stdout and waits until it is out. @throws {OutputLostError} when it cannot be written. */
export function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (cause) => {
      if (cause) reject(new OutputLostError('The output was lost.', { cause }))
      else resolve()
    })
  })
}

/** So many rows are read before the first is shown, and share the widths of their columns. */
const rowsAtOnce = 100

/** As {@link print}, for lists that may be too long to hold: an array in JSON, or columns. */
export async function printEach(rows: AsyncIterable<Printable>, json = false): Promise<void> {
  let count = 0
  let waiting: Printable[] = []
  let widths: readonly number[] = []
  const flush = async () => {
    if (json) {
      const opening = count === 0 ? '[' : ','
      await write(opening + waiting.map((row) => JSON.stringify(row)).join(','))
    } else {
      const table = alignTable(waiting, widths, count === 0)
      widths = table.widths
      await write(table.text)
    }
    count += waiting.length
    waiting = []
  }
  for await (const row of rows) {
    waiting.push(row)
    if (waiting.length === rowsAtOnce) await flush()
  }
  if (waiting.length > 0 || (json && count === 0)) await flush()
  if (json) await write(']\n')
}

/** Words go to stderr. */
export function say(words: string): void {
  process.stderr.write(`${words}\n`)
}

/**
 * An error of use without what was written behind an option that does not exist: somebody took it for the one that
 * takes a secret.
 */
export function hideValues(error: string): string {
  return error.replace(/'(--?[^'=\s]+)=[\s\S]*'/, "'$1'")
}

/** Says what went wrong beside what was done, in the words of its error. */
export function warn(error: unknown): void {
  say(`mintage: warning: ${error instanceof Error ? error.message : error}`)
}

/** A point in time as the output shows it; `at` is in milliseconds since the epoch. */
export function formatTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

/** A life as the output shows it; null where the installation's counts. */
export function formatLife(milliseconds: number | null): string | null {
  return milliseconds === null ? null : formatDuration(milliseconds)
}

function isList(value: Printable | readonly Printable[]): value is readonly Printable[] {
  return Array.isArray(value)
}

function formatTable(rows: readonly Printable[]): string {
  return alignTable(rows, [], true).text
}

/** @param least how wide the columns are at least: as those of the rows before. */
function alignTable(
  rows: readonly Printable[],
  least: readonly number[],
  withHead: boolean,
): { readonly text: string; readonly widths: readonly number[] } {
  const [first] = rows
  if (!first) return { text: '', widths: least }
  const names = Object.keys(first)
  const lines = rows.map((row) => names.map((name) => cell(row[name])))
  if (withHead) lines.unshift(names.map((name) => name.toUpperCase()))
  const widths = names.map((_, column) =>
    lines.reduce((width, line) => Math.max(width, line[column]?.length ?? 0), least[column] ?? 0),
  )
  const text = lines.map((line) => {
    const padded = line.map((each, column) => each.padEnd(widths[column] ?? 0))
    return `${padded.join('  ').trimEnd()}\n`
  })
  return { text: text.join(''), widths }
}

function formatFields(value: Printable): string {
  const width = Math.max(...Object.keys(value).map((name) => name.length))
  return Object.entries(value)
    .map(([name, field]) => `${name.padEnd(width)}  ${cell(field)}`.trimEnd() + '\n')
    .join('')
}

/** One line, whatever it holds: a control character would write over the terminal. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return '-'
  const text = Array.isArray(value)
    ? value.join(' ')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : `${value}`
  return text.replace(/\p{Cc}/gu, '\uFFFD')
}
