import { sha256 } from '../lib/digests.ts'
import type { JsonObject } from '../protocol/claims.ts'
import type { KeyRecord, RingRecord } from '../store/key-table.ts'
import { isPublished } from './schedule.ts'

/** A public RSA key as the JWKS shows it (RFC 7517 §4, RFC 7518 §6.3.1). */
export type PublicJwk = {
  readonly kty: 'RSA'
  readonly n: string
  readonly e: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'RS256'
}

/** The JWK Set of one version of the ring. */
export interface Jwks {
  /** `application/jwk-set+json` (RFC 7517 §5). */
  readonly body: string
  /** A strong entity tag, quotes included (RFC 9110 §8.8.3). */
  readonly etag: string
}

/** RFC 7638 §3: SHA-256, in base64url, of the required members in their canonical order. */
export function thumbprint(n: string, e: string): string {
  return sha256(JSON.stringify({ e, kty: 'RSA', n }))
}

/** Builds the public JWK of an RSA key from its modulus and exponent, both base64url. */
export function publicJwk(n: string, e: string): PublicJwk {
  return { kty: 'RSA', n, e, kid: thumbprint(n, e), use: 'sig', alg: 'RS256' }
}

/**
 * Takes from a key's record what may be published, and nothing else: no private member leaves, whatever the
 * database holds.
 * @throws {TypeError} when the record holds no RSA key of its `kid`.
 */
export function publishedJwk(key: Pick<KeyRecord, 'kid' | 'publicJwk'>): PublicJwk {
  const { kty, n, e }: JsonObject = key.publicJwk
  if (kty === 'RSA' && typeof n === 'string' && typeof e === 'string') {
    const jwk = publicJwk(n, e)
    if (jwk.kid === key.kid) return jwk
  }
  throw new TypeError(`The database holds no RSA key under the kid ${key.kid}: restore it from a backup.`)
}

/** The key that signs comes first, because simple verifiers take the first that they find. */
const order = { current: 0, next: 1, retired: 2, withdrawn: 3 } as const

/** Renders the published keys of the ring. */
export function renderJwks(ring: RingRecord): Jwks {
  const keys = ring.keys
    .filter(isPublished)
    .sort((a, b) => order[a.state] - order[b.state])
    .map(publishedJwk)
  const body = JSON.stringify({ keys })
  return { body, etag: `"${sha256(body)}"` }
}
