import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { OperatorError } from '../../lib/operator-error.ts'

/** How far this node has seen the audit trail go. */
export interface Mark {
  readonly installation: string
  readonly epoch: string
  readonly sequence: number
  /** The seal of the row at `sequence`. */
  readonly seal: string
}

/** The high-water mark cannot be read or kept; the message names the file and says what to do. */
export class MarkError extends OperatorError {
  override readonly name = 'MarkError'
}

const fileName = 'high-water-mark.json'

/**
 * The high-water mark: one small file of one node, outside the database, so that a database that was taken back in
 * time is found out. It is replaced as a whole, so that a crash leaves the one before or the new one.
 */
export class HighWaterMark {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  get path(): string {
    return join(this.#directory, fileName)
  }

  /** The mark, or undefined when there is none. @throws {MarkError} when it cannot be read or is damaged. */
  async read(): Promise<Mark | undefined> {
    let text: string
    try {
      text = await readFile(this.path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw new MarkError(
        `The high-water mark ${this.path} cannot be read (${reasonOf(error)}): make it a file that this user can read.`,
        { cause: error },
      )
    }
    const mark = parseMark(text)
    if (mark) return mark
    throw new MarkError(
      `The high-water mark ${this.path} is damaged: if the database is the latest, and not one that was brought back, delete the file.`,
    )
  }

  /** Once resolved, it survives a power cut. @throws {MarkError} when it cannot be kept. */
  async write(mark: Mark): Promise<void> {
    const draft = join(this.#directory, `.${fileName}.${randomUUID()}.tmp`)
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      try {
        const file = await open(draft, 'wx', 0o600)
        try {
          // A strict umask may have taken away even the owner's bits.
          await file.chmod(0o600)
          await file.writeFile(`${JSON.stringify({ version: 1, ...mark })}\n`)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(draft, this.path)
      } catch (error) {
        await unlink(draft).catch(() => undefined)
        throw error
      }
      const directory = await open(this.#directory)
      try {
        await directory.sync()
      } finally {
        await directory.close()
      }
    } catch (error) {
      throw new MarkError(
        `The high-water mark ${this.path} cannot be written (${reasonOf(error)}): make ${this.#directory} a writable directory with free space, or let MINTAGE_STATE_DIR name one.`,
        { cause: error },
      )
    }
  }
}

function parseMark(text: string): Mark | undefined {
  let value: Partial<Record<keyof Mark | 'version', unknown>>
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { version, installation, epoch, sequence, seal } = value
  if (version !== 1 || typeof installation !== 'string' || typeof epoch !== 'string') return undefined
  if (!Number.isSafeInteger(sequence) || typeof seal !== 'string') return undefined
  return { installation, epoch, sequence: Number(sequence), seal }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.message : String(error)
}
