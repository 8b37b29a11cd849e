import type { UserRow } from '../admin/user-row.ts'

/** What a file may be said to hold; without a word it is found out. */
export const sourceFormats = ['ndjson', 'csv', 'dumpdata'] as const
export type SourceFormat = (typeof sourceFormats)[number]

export interface SourceOptions {
  readonly format?: SourceFormat
  /** The path of a mapping. */
  readonly mapping?: string
}

/** Where users come from, read as a stream. */
export interface UserSource {
  /** What it is, as a sentence has it: `the table auth_user of …`. */
  readonly name: string
  readonly rows: AsyncIterable<UserRow>
  /** How much of it has been read, from 0 to 1; undefined where nobody knows how much there is. */
  share(): number | undefined
  /** What of each user is left behind, unless a mapping takes it; known once a row has been read. */
  untaken(): readonly string[]
  close(): Promise<void>
}
