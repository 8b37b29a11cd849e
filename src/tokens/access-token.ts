import type { Target } from '../apis/target.ts'
import {
  type AccessTokenClaims,
  findUserIdClaim,
  type JsonObject,
  type TokenTyp,
} from '../protocol/claims.ts'
import { formatScope } from '../protocol/scopes.ts'
import type { ClientRecord } from '../store/client-table.ts'

/** What an access token is made of. */
export interface AccessTokenContent {
  readonly issuer: string
  readonly subject: string
  /** Whether the subject is a user; a client's own token has none. */
  readonly isUser: boolean
  readonly client: ClientRecord
  readonly target: Target
  readonly scopes: readonly string[]
  readonly userClaims: JsonObject
  readonly sid: string | undefined
  readonly status: AccessTokenClaims['status'] | undefined
  readonly jti: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

/**
 * The claims of RFC 9068 §2.2. The client's free claims come first, the user's over them, and the protocol's over
 * both, so that no record can set what only the issuer may.
 */
export function buildClaims(content: AccessTokenContent): AccessTokenClaims & JsonObject {
  const { target, scopes, subject } = content
  return {
    ...content.client.claims,
    ...content.userClaims,
    ...(target.claimsPreset === 'simplejwt' && simpleJwtClaims(content)),
    iss: content.issuer,
    sub: subject,
    aud: target.audience,
    client_id: content.client.clientId,
    iat: content.issuedAt,
    exp: content.expiresAt,
    jti: content.jti,
    ...(scopes.length > 0 && { scope: formatScope(scopes) }),
    ...(content.sid !== undefined && { sid: content.sid }),
    ...(content.status && { status: content.status }),
  }
}

/**
 * What djangorestframework-simplejwt asks of a token besides (`TOKEN_TYPE_CLAIM`, `USER_ID_CLAIM`). A user who came from
 * a Django project keeps the name that its services look for.
 */
function simpleJwtClaims({ isUser, userClaims, subject }: AccessTokenContent): JsonObject {
  return { token_type: 'access', ...(isUser && { user_id: findUserIdClaim(userClaims) ?? subject }) }
}

const encodedHeaders = new Map<string, string>()

/** The encoded header of a key and type, computed once for each (RFC 7515 §4). */
export function encodeHeader(kid: string, typ: TokenTyp): string {
  const name = `${typ} ${kid}`
  const known = encodedHeaders.get(name)
  if (known !== undefined) return known
  const encoded = Buffer.from(JSON.stringify({ alg: 'RS256', typ, kid })).toString('base64url')
  encodedHeaders.set(name, encoded)
  return encoded
}
