import { readFileSync, writeFileSync } from 'node:fs'
import { root } from '../../docs/generate/pages.ts'
import { findRows } from '../markdown.ts'

/** The tables of the page, in Markdown. */
export interface Tables {
  readonly verifiers: string
  readonly settings: string
  readonly clients: string
}

const page = new URL('docs/interop.md', root)
/** Debian's packages get newer between two runs. */
const versionColumn = 2

/** Writes the tables between their markers. */
export function writePage(tables: Tables): void {
  let text = readFileSync(page, 'utf8')
  for (const [name, table] of Object.entries(tables)) {
    const { before, after } = split(text, name)
    text = `${before}\n\n${table}\n\n${after}`
  }
  writeFileSync(page, text)
}

/** What the page says otherwise than these tables do; versions aside. */
export function comparePage(tables: Tables): readonly string[] {
  const text = readFileSync(page, 'utf8')
  return Object.entries(tables).flatMap(([name, table]) => {
    const written = findRows(split(text, name).between).map(withoutVersion)
    const came = findRows(table).map(withoutVersion)
    return [
      ...came.filter((row) => !written.includes(row)).map((row) => `docs/interop.md lacks: ${row}`),
      ...written.filter((row) => !came.includes(row)).map((row) => `docs/interop.md still says: ${row}`),
    ]
  })
}

function withoutVersion(cells: readonly string[]): string {
  return cells.filter((_, i) => i !== versionColumn).join(' | ')
}

/** A page around and between the markers of a table. */
function split(text: string, name: string) {
  const [from, to] = [`<!-- ${name}: npm run interop -->`, `<!-- end of ${name} -->`]
  const [start, end] = [text.indexOf(from), text.indexOf(to)]
  if (start === -1 || end < start) throw new Error(`docs/interop.md lacks the markers ${from} and ${to}.`)
  const inner = start + from.length
  return { before: text.slice(0, inner), between: text.slice(inner, end), after: text.slice(end) }
}
