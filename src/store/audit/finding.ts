/** One thing that is wrong with the audit trail, and where. Times are milliseconds since the epoch. */
export interface Finding {
  readonly problem: /** A row tells something else than what was sealed. */
    | 'changed'
    /** Rows that were sealed are gone, between two that are there. */
    | 'deleted'
    /** A row that Mintage did not write. */
    | 'inserted'
    /** A row that is authentic, and stands at another place than it was sealed at. */
    | 'moved'
    /** The same row stands there twice. */
    | 'copied'
    /** The newest rows are gone, or the whole database was taken back in time. */
    | 'cut'
    /** The head of the chain, or the checkpoint that it begins from, is not what Mintage wrote. */
    | 'forged'
    /** A key is missing, so that nobody can say. */
    | 'unverifiable'
  /** The row's id, where there is a row. */
  readonly id?: number
  /** Its place in the chain, the first of several. */
  readonly sequence?: number
  /** The time that the row tells; of missing ones, of the last row before them. */
  readonly at?: number
  /** A sentence for people. */
  readonly message: string
}

/** What verification says. */
export interface Verdict {
  readonly intact: boolean
  /** Rows that are there, sealed or not. */
  readonly rows: number
  readonly unsealed: number
  /** When the oldest unsealed row was written, in milliseconds since the epoch. */
  readonly unsealedSince: number | undefined
  readonly head: { readonly sequence: number; readonly seal: string }
  /** The first of them; `moreFindings` says how many are left out. */
  readonly findings: readonly Finding[]
  readonly moreFindings: number
}

/** What is reported in full; a trail that was rebuilt would fill a disk. */
const mostFindings = 1_000

/** Takes findings down, the first thousand in full. */
export class Findings {
  readonly list: Finding[] = []
  more = 0

  add(finding: Finding): void {
    if (this.list.length < mostFindings) this.list.push(finding)
    else this.more++
  }
}

/** A row in words: its id, its place, what and when. */
export function nameRow(row: {
  readonly id: number
  readonly sequence: number | null
  readonly type: string
  readonly at: number
}): string {
  const place = row.sequence === null ? 'not sealed' : `place ${row.sequence}`
  return `Row ${row.id} (${place}, ${row.type}, ${formatAt(row.at)})`
}

export function formatAt(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? `time ${at}` : date.toISOString()
}
