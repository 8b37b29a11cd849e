import { equalsInConstantTime, hmacSha256 } from '../../lib/digests.ts'
import { second } from '../../lib/durations.ts'
import type { JsonObject } from '../../protocol/claims.ts'
import type { OpenSession, SessionService } from '../../sessions/session-service.ts'

/** The core's refresh token, and when it expires, in seconds since the epoch. */
export interface RefreshJwtContent {
  readonly refreshToken: string
  readonly exp: number
}

const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')

/** Several times what a user's id can make of it. */
const longest = 4_096

/**
 * How the clients of Django's stacks see a refresh token: a JWT, whose `exp` they decode. Its `jti` is the refresh token
 * of the core, and its key is derived from the one that the core's was made under, so that it says nothing that the
 * core does not know, is stored as little, and lives as long. All that it holds comes from the session, so that a
 * retry yields the same string. The signature covers the header and payload as they are spelled, and is compared as it
 * is spelled: there is no second spelling of a token.
 */
export class RefreshJwts {
  readonly #sessions: Pick<SessionService, 'presentationKey'>
  readonly #purpose: string
  readonly #marker: JsonObject

  /**
   * @param purpose keeps the keys of one wire format apart from those of another.
   * @param marker the claims by which its clients tell a refresh token.
   */
  constructor(sessions: Pick<SessionService, 'presentationKey'>, purpose: string, marker: JsonObject) {
    this.#sessions = sessions
    this.#purpose = purpose
    this.#marker = marker
  }

  /** @param refreshToken the core's, of this session. */
  write(refreshToken: string, session: OpenSession['session'], userId: string): string {
    const key = this.#keyOf(refreshToken)
    if (!key) throw new TypeError('A refresh token that was just made is not authentic.')
    const payload = JSON.stringify({
      ...this.#marker,
      exp: Math.floor(endOf(session) / second),
      iat: Math.floor(session.rotatedAt / second),
      jti: refreshToken,
      user_id: userId,
    })
    const signingInput = `${header}.${Buffer.from(payload).toString('base64url')}`
    return `${signingInput}.${sign(signingInput, key)}`
  }

  /** What an authentic one holds; undefined for anything else. */
  read(token: string): RefreshJwtContent | undefined {
    if (token.length > longest) return undefined
    const [first, second = '', signature = '', ...rest] = token.split('.')
    if (first !== header || rest.length > 0) return undefined
    const payload = parse(second)
    const key = payload && this.#keyOf(payload.jti)
    if (!key) return undefined
    const expected = Buffer.from(sign(`${first}.${second}`, key))
    // What follows the prefix is text of one byte a character; other text is no signature.
    if (!equalsInConstantTime(Buffer.from(signature), expected)) return undefined
    return { refreshToken: payload.jti, exp: payload.exp }
  }

  /** Undefined when the token is not authentic. */
  #keyOf(refreshToken: string): Buffer | undefined {
    return this.#sessions.presentationKey(refreshToken, this.#purpose)
  }
}

/** When a session ends unless it is refreshed, in milliseconds since the epoch. */
export function endOf(session: { readonly idleExpiresAt: number; readonly expiresAt: number }): number {
  return Math.min(session.idleExpiresAt, session.expiresAt)
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
