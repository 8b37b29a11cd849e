import type { Target } from '../apis/target.ts'
import type { AccessTokenClaims, JsonObject } from '../protocol/claims.ts'
import { formatScope } from '../protocol/scopes.ts'
import type { OpenSession } from '../sessions/session-service.ts'
import type { ClientRecord } from '../store/client-table.ts'
import { type ClaimsPresetFunction, presets } from './claims-preset.ts'
import { renderUserData } from './user-data.ts'

/** What tokens may say of a user. */
export interface TokenUser {
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly claims: JsonObject
}

/** What tokens may say of a session. Times are milliseconds since the epoch. */
export type TokenSession = Pick<OpenSession['session'], 'sid' | 'createdAt' | 'idleExpiresAt' | 'expiresAt'>

/** What an access token is made of. */
export interface AccessTokenContent {
  readonly issuer: string
  readonly subject: string
  /** The user that is the subject; undefined in a client's own token. */
  readonly user: TokenUser | undefined
  readonly client: ClientRecord
  readonly target: Target
  readonly scopes: readonly string[]
  readonly session: TokenSession | undefined
  /** In place of the API's. */
  readonly preset: ClaimsPresetFunction | undefined
  readonly jti: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

/**
 * The claims of RFC 9068 §2.2. The client's free claims come first, the user's over them, what the client's template says
 * of the user over these, and the protocol's over all, so that no record can set what only the issuer may.
 */
export function buildClaims(
  content: AccessTokenContent,
  status: AccessTokenClaims['status'],
): AccessTokenClaims & JsonObject {
  const { target, scopes, subject, user, session } = content
  const preset = content.preset ?? presets[target.claimsPreset]
  return {
    ...content.client.claims,
    ...user?.claims,
    ...(user && renderUserData(content.client.userData?.token ?? {}, user)),
    ...preset(content),
    iss: content.issuer,
    sub: subject,
    aud: target.audience,
    client_id: content.client.clientId,
    iat: content.issuedAt,
    exp: content.expiresAt,
    jti: content.jti,
    ...(scopes.length > 0 && { scope: formatScope(scopes) }),
    ...(session && { sid: session.sid }),
    ...(status && { status }),
  }
}
