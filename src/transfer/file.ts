import { createReadStream, type Stats, statSync } from 'node:fs'
import { AdminError } from '../admin/admin-error.ts'
import { quote } from '../lib/quote.ts'

/** In bytes. A longer row holds no user, and is not held in memory. */
export const longestRow = 65_536

/** A file, or stdin, of which the beginning has been looked at. */
export interface OpenFile {
  /** The first bytes, at most 64 KiB; fewer where it is short. */
  readonly beginning: Buffer
  /** All of it, the beginning too. */
  readonly bytes: AsyncIterable<Buffer>
  /** As {@link UserSource.share}. */
  share(): number | undefined
  /** Lets go of it, when the rest is not to be read. */
  close(): Promise<void>
}

/** @param path `-` is stdin. @throws {AdminError} when there is no such file. */
export async function openFile(path: string): Promise<OpenFile> {
  const size = path === '-' ? undefined : measure(path)
  const stream: AsyncIterable<Buffer> = path === '-' ? process.stdin : createReadStream(path)
  const chunks = stream[Symbol.asyncIterator]()
  let read = 0
  const next = async () => {
    try {
      const { value, done } = await chunks.next()
      if (done === true) return undefined
      read += value.length
      return value
    } catch (error) {
      throw unreadable(path, error)
    }
  }
  const first: Buffer[] = []
  while (read < longestRow && Buffer.concat(first).toString('latin1').trim() === '') {
    const chunk = await next()
    if (chunk === undefined) break
    first.push(chunk)
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* first
    for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk
  }
  return {
    beginning: Buffer.concat(first).subarray(0, longestRow),
    bytes: all(),
    close: async () => {
      await chunks.return?.()
    },
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
