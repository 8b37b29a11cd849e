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
    const claims: JsonObject = verifyCompactJws(jws, publicKey)
    return claims['iss'] === issuer && isAccessToken(claims) ? claims : undefined
  } catch (error) {
    if (error instanceof InvalidTokenError) return undefined
    throw error
  }
}

/** The same keys sign the status lists, which anybody can fetch and present. */
function isAccessToken(claims: JsonObject): claims is AccessTokenClaims & JsonObject {
  return (
    (['sub', 'aud', 'client_id', 'jti'] as const).every((name) => typeof claims[name] === 'string') &&
    (['iat', 'exp'] as const).every((name) => typeof claims[name] === 'number')
  )
}

/** Whether an access token was issued to this very client, not to another that had its name before. */
export function isIssuedTo(client: ClientRecord, claims: AccessTokenClaims): boolean {
  return client.clientId === claims.client_id && isTokenIdOf(claims.jti, client.id)
}
