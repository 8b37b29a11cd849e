/** A column of a database that is not ours. */
export interface ForeignColumn {
  readonly name: string
  readonly isKey: boolean
  /** What its values are made JSON by; they come as they are otherwise. */
  toJson(value: unknown): unknown
}

/** A database that is not ours, which is read and never written. */
export interface ForeignDatabase {
  /** Without anything secret. */
  readonly name: string
  /** The columns of every table. */
  describe(): Promise<ReadonlyMap<string, readonly ForeignColumn[]>>
  /** @param sql with a `?` for each value. @throws {AdminError} when it cannot be read. */
  select(sql: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  close(): Promise<void>
}

/** A name as SQL has it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A whole number as JSON has it, as long as it has it. */
export function toNumber(text: string | bigint): number | string {
  return Number.isSafeInteger(Number(text)) ? Number(text) : String(text)
}
