import { equalsInConstantTime, hmacSha256 } from '../../../lib/digests.ts'
import { second } from '../../../lib/durations.ts'

/**
 * How SimpleJWT's clients see a refresh token: a JWT, whose `exp` they decode. Its `jti` is the refresh token of the
 * core, and its key is derived from the one that the core's was made under, so that it says nothing that the core
 * does not know, is stored as little, and lives as long. All that it holds comes from the session, so that a
 * retry yields the same string. The signature covers the header and payload as they are spelled, and is compared as it
 * is spelled: there is no second spelling of a token.
 */
export interface RefreshJwtContent {
  /** The core's. */
  readonly refreshToken: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly userId: string
}

/** The key of a core's refresh token for this presentation; undefined when the token is not authentic. */
export type KeyOf = (refreshToken: string) => Buffer | undefined

/** What keeps its keys apart from those of other presentations. */
export const refreshJwtPurpose = 'simplejwt refresh'

const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')

/** Several times what a user's id can make of it. */
const longest = 4_096

export function writeRefreshJwt(content: RefreshJwtContent, keyOf: KeyOf): string {
  const key = keyOf(content.refreshToken)
  if (!key) throw new TypeError('A refresh token that was just made is not authentic.')
  const payload = JSON.stringify({
    token_type: 'refresh',
    exp: Math.floor(content.expiresAt / second),
    iat: Math.floor(content.issuedAt / second),
    jti: content.refreshToken,
    user_id: content.userId,
  })
  const signingInput = `${header}.${Buffer.from(payload).toString('base64url')}`
  return `${signingInput}.${sign(signingInput, key)}`
}

/** The core's refresh token and the expiry, in seconds, of an authentic one; undefined for anything else. */
export function readRefreshJwt(
  token: string,
  keyOf: KeyOf,
): { readonly refreshToken: string; readonly exp: number } | undefined {
  if (token.length > longest) return undefined
  const [first, second = '', signature = '', ...rest] = token.split('.')
  if (first !== header || rest.length > 0) return undefined
  const payload = parse(second)
  const key = payload && keyOf(payload.jti)
  if (!key) return undefined
  const expected = Buffer.from(sign(`${first}.${second}`, key))
  // What follows the prefix is text of one byte a character; other text is no signature.
  if (!equalsInConstantTime(Buffer.from(signature), expected)) return undefined
  return { refreshToken: payload.jti, exp: payload.exp }
}

function sign(signingInput: string, key: Buffer): string {
  return hmacSha256(key, signingInput).toString('base64url')
}

/** Unverified. */
function parse(payload: string): { readonly jti: string; readonly exp: number } | undefined {
  try {
    const members: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    if (typeof members !== 'object' || members === null) return undefined
    if (!('jti' in members) || typeof members.jti !== 'string') return undefined
    return 'exp' in members && typeof members.exp === 'number'
      ? { jti: members.jti, exp: members.exp }
      : undefined
  } catch {
    return undefined
  }
}
