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
  const [first] = rows
  if (!first) return ''
  const names = Object.keys(first)
  const lines = [
    names.map((name) => name.toUpperCase()),
    ...rows.map((row) => names.map((name) => cell(row[name]))),
  ]
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map(
      (line) =>
        `${line
          .map((text, column) => text.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function formatFields(value: Printable): string {
  const width = Math.max(...Object.keys(value).map((name) => name.length))
  return Object.entries(value)
    .map(([name, field]) => `${name.padEnd(width)}  ${cell(field)}`.trimEnd() + '\n')
    .join('')
}

/** One line, whatever it holds: a control character would write over the terminal. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '-'
  const text = Array.isArray(value)
    ? value.join(' ')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : `${value}`
  return text.replace(/\p{Cc}/gu, '\uFFFD')
}
