import { createPublicKey, type KeyObject } from 'node:crypto'
import { isRs256PublicKey } from './compact-jws.ts'
import { type JsonObject, type JsonValue, parseJsonObject } from './json-object.ts'

/** More keys than this are no key ring. */
const maxKeys = 100

/** What makes a JWK one that must never be published (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

/**
 * Reads the keys of a JWK set (RFC 7517 §5) that may verify RS256, by their `kid`. Keys for something else, weak ones
 * and unreadable ones are left out; so is whatever shares its `kid` with another, since nobody can say which is meant.
 * @throws {Error} when it is no JWK set, when it shows a private or secret key, or when no key of use is in it
 */
export function readJwks(body: Buffer): ReadonlyMap<string, KeyObject> {
  const { keys } = parseJsonObject(body)
  if (!Array.isArray(keys) || keys.length > maxKeys) throw new Error('The answer is no JWK set.')
  const members = keys.filter(isObject)
  if (members.some((jwk) => privateMembers.some((name) => Object.hasOwn(jwk, name)))) {
    throw new Error('The JWK set shows a key that is not public.')
  }
  const kids = members.map(({ kid }) => kid)
  const found = new Map<string, KeyObject>()
  for (const jwk of members) {
    const { kid } = jwk
    if (typeof kid !== 'string' || kids.indexOf(kid) !== kids.lastIndexOf(kid)) continue
    const key = importKey(jwk)
    if (key) found.set(kid, key)
  }
  if (found.size === 0) throw new Error('The JWK set has no key for RS256.')
  return found
}

function importKey({ kty, use, alg, key_ops: operations, n, e }: JsonObject): KeyObject | undefined {
  if (kty !== 'RSA' || typeof n !== 'string' || typeof e !== 'string') return undefined
  if (use !== undefined && use !== 'sig') return undefined
  if (alg !== undefined && alg !== 'RS256') return undefined
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined
  try {
    const key = createPublicKey({ key: { kty, n, e }, format: 'jwk' })
    return isRs256PublicKey(key) ? key : undefined
  } catch {
    return undefined
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
