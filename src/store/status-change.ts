/** One place in a status list. */
export interface StatusReference {
  /** The id of the list. */
  readonly list: string
  readonly index: number
}

/** Consecutive places of a list, both ends included. */
export type IndexRange = readonly [from: number, to: number]

/** What verifiers are told. It is written where it happens and gets its number afterwards. */
export type StatusChange =
  | { readonly kind: 'revoked'; readonly list: string; readonly idx: readonly number[] }
  | { readonly kind: 'revoked'; readonly list: string; readonly ranges: readonly IndexRange[] }
  | { readonly kind: 'list'; readonly list: string; readonly size: number }
  | { readonly kind: 'retired'; readonly list: string }
  /** The published keys changed; `withdrawn` are those that nothing may be verified with any more. */
  | { readonly kind: 'keys'; readonly withdrawn: readonly string[] }

/** A change and its number: one more than that of the change before it, whoever made that. */
export interface NumberedChange {
  readonly version: number
  readonly change: StatusChange
}

/** How a change stands in a table. */
export interface ChangeRow {
  kind: StatusChange['kind']
  list: string | null
  data: string
}

export function toChangeRow(change: StatusChange): ChangeRow {
  switch (change.kind) {
    case 'revoked':
      return {
        kind: change.kind,
        list: change.list,
        data: JSON.stringify('idx' in change ? { idx: change.idx } : { ranges: change.ranges }),
      }
    case 'list':
      return { kind: change.kind, list: change.list, data: JSON.stringify({ size: change.size }) }
    case 'retired':
      return { kind: change.kind, list: change.list, data: '{}' }
    case 'keys':
      return { kind: change.kind, list: null, data: JSON.stringify({ withdrawn: change.withdrawn }) }
  }
}

/** Tells changes apart that may have got the same number, one of them in a past that is lost. */
export function identify(change: StatusChange): string {
  const { kind, list, data } = toChangeRow(change)
  return `${kind} ${list ?? ''} ${data}`
}

export function toChange({ kind, list, data }: ChangeRow): StatusChange {
  return { ...JSON.parse(data), kind, ...(list !== null && { list }) }
}
