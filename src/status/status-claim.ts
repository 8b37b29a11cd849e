import type { StatusReference } from '../store/status-change.ts'

/** Where the lists stand below the issuer; the id of a list follows. */
export const listPath = '/status-lists/'

/** The `status` claim (Token Status List draft, "Referenced Token"). */
export type StatusClaim = {
  readonly status_list: { readonly idx: number; readonly uri: string }
}

export function writeClaim(listBase: string, { list, index }: StatusReference): StatusClaim {
  return { status_list: { idx: index, uri: listBase + list } }
}

/** Reads the claim of a token that this issuer signed; undefined when it has none, or names no list of ours. */
export function readClaim(listBase: string, claim: unknown): StatusReference | undefined {
  const { idx, uri } = Object(Object(claim)['status_list'])
  if (typeof idx !== 'number' || typeof uri !== 'string' || !uri.startsWith(listBase)) return undefined
  return { list: uri.slice(listBase.length), index: idx }
}
