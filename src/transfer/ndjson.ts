import type { UserRow } from '../admin/user-row.ts'
import { longestRow } from './file.ts'

/** One JSON object a line; empty lines are nothing. */
export async function* readNdjson(bytes: AsyncIterable<Buffer>): AsyncGenerator<UserRow> {
  let line = 0
  for await (const row of splitLines(bytes)) {
    line++
    if (row === undefined) yield { place: `line ${line}`, problem: `It is longer than ${longestRow} bytes.` }
    else if (row.length > 0) yield parseLine(`line ${line}`, row)
  }
}

function parseLine(place: string, bytes: Buffer): UserRow {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim()
  } catch {
    return { place, problem: 'It is not text in UTF-8.' }
  }
  if (text === '') return { place, problem: 'It is empty but for space.' }
  try {
    return { place, fields: JSON.parse(text) }
  } catch {
    return { place, problem: 'It is not JSON: expected one object a line (for CSV say --format csv).' }
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
