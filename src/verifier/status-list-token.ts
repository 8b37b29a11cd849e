import type { KeyObject } from 'node:crypto'
import { parseCompactJws, verifyCompactJws } from './compact-jws.ts'
import type { JsonObject, JsonValue } from './json-object.ts'
import { decodeStatusList, type StatusList } from './status-list.ts'

/** The largest token with a list in it, in characters. */
export const maxStatusListToken = 16 * 2 ** 20

/** A status list as the issuer signed it. */
export interface SignedStatusList {
  readonly list: StatusList
  /** Which history of the issuer's database its versions count; undefined from another issuer than Mintage. */
  readonly epoch: string | undefined
  /** Every change numbered up to it is in the list. */
  readonly version: number | undefined
}

export interface StatusListExpectation {
  readonly uri: string
  readonly issuer: string
  /** Since the epoch, in milliseconds. */
  readonly now: number
  readonly clockTolerance: number
  /** @throws when the issuer has no such key. */
  readonly findKey: (kid: string) => Promise<KeyObject>
}

/**
 * Reads a Status List Token in its JWT form (draft-ietf-oauth-status-list §5.1, §8.3): signed by the issuer, of type
 * `statuslist+jwt`, about exactly this list, not expired.
 * @throws {Error} when it is anything else
 */
export async function readStatusListToken(
  token: string,
  { uri, issuer, now, clockTolerance, findKey }: StatusListExpectation,
): Promise<SignedStatusList> {
  const jws = parseCompactJws(token.trim(), maxStatusListToken)
  const { typ, kid } = jws.header
  if (typeof typ !== 'string' || typ.toLowerCase().replace(/^application\//, '') !== 'statuslist+jwt') {
    throw new Error('The answer is no status list token.')
  }
  const claims = verifyCompactJws(jws, await findKey(kid))
  const { iss, sub, iat, exp, epoch, version, status_list: member } = claims
  if (sub !== uri) throw new Error('The status list is another one.')
  if (iss !== undefined && iss !== issuer) throw new Error('The status list is from another issuer.')
  if (typeof iat !== 'number' || iat * 1_000 > now + clockTolerance) {
    throw new Error('The status list is not valid yet.')
  }
  if (exp !== undefined && !(typeof exp === 'number' && now < exp * 1_000 + clockTolerance)) {
    throw new Error('The status list has expired.')
  }
  if (!isObject(member)) throw new Error('The token has no status list.')
  return {
    list: await decodeStatusList(member),
    epoch: typeof epoch === 'string' ? epoch : undefined,
    version: isVersion(version) ? version : undefined,
  }
}

/** Where an access token's status stands (draft-ietf-oauth-status-list §6.2). */
export interface StatusReference {
  readonly uri: string
  readonly index: number
}

/** The reference of a token's `status` claim; undefined when it has none, and `invalid` when it cannot be read. */
export function readStatusReference({ status }: JsonObject): StatusReference | undefined | 'invalid' {
  if (status === undefined) return undefined
  const reference = isObject(status) ? status['status_list'] : undefined
  if (!isObject(reference)) return 'invalid'
  const { idx, uri } = reference
  return isVersion(idx) && typeof uri === 'string' ? { uri, index: idx } : 'invalid'
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A whole number from 0 on. */
export function isVersion(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
