import type { KeyObject } from 'node:crypto'
import { InvalidTokenError, parseCompactJws, verifyCompactJws } from '@mintage/verifier/jws'
import type { AccessTokenClaims, JsonObject } from '../protocol/claims.ts'
import type { ClientRecord } from '../store/client-table.ts'
import { isTokenIdOf } from './token-id.ts'

/**
 * Reads an access token that this issuer signed; undefined for anything else. Its expiry is not looked at, and
 * neither is whether it was revoked.
 */
export function readOwnToken(
  token: string,
  issuer: string,
  keys: { publicKey(kid: string): KeyObject | undefined },
): (AccessTokenClaims & JsonObject) | undefined {
  try {
    const jws = parseCompactJws(token)
    const publicKey = keys.publicKey(jws.header.kid)
    if (!publicKey) return undefined
    const claims = verifyCompactJws(jws, publicKey)
    // The issuer signs nothing but access tokens of its own making, so the rest of the shape follows.
    return claims['iss'] === issuer ? (claims as AccessTokenClaims & JsonObject) : undefined
  } catch (error) {
    if (error instanceof InvalidTokenError) return undefined
    throw error
  }
}

/** Whether an access token was issued to this very client, not to another that had its name before. */
export function isIssuedTo(client: ClientRecord, claims: AccessTokenClaims): boolean {
  return client.clientId === claims.client_id && isTokenIdOf(claims.jti, client.id)
}
