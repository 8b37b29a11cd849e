import { equalsInConstantTime, hmacSha256 } from '../../lib/digests.ts'
import type { JsonObject } from '../../protocol/claims.ts'
import type { SessionService } from '../../sessions/session-service.ts'

/** What a refresh token says where it is a JWT. */
export interface RefreshJwtClaims extends JsonObject {
  /** The core's refresh token. */
  readonly jti: string
  /** Seconds since the epoch. */
  readonly exp: number
}

const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')

/** Several times what a user's id can make of it. */
const longest = 4_096

/**
 * How the clients of Django's packages see a refresh token: a JWT, whose `exp` they decode. Its `jti` is the refresh token
 * of the core, and its key is derived from the one that the core's was made under, so that it says nothing that the
 * core does not know, is stored as little, and lives as long. Where its claims come from the session, a retry yields the
 * same string. The signature covers header and payload as they are spelled, and is compared as it is spelled:
 * there is no second spelling of a token.
 */
export class RefreshJwts {
  readonly #sessions: SessionService
  readonly #purpose: string

  /** @param purpose keeps the keys of one wire format apart from those of another. */
  constructor(sessions: SessionService, purpose: string) {
    this.#sessions = sessions
    this.#purpose = purpose
  }

  write(claims: RefreshJwtClaims): string {
    const key = this.#sessions.presentationKey(claims.jti, this.#purpose)
    if (!key) throw new TypeError('A refresh token that was just made is not authentic.')
    const signingInput = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
    return `${signingInput}.${sign(signingInput, key)}`
  }

  /** What an authentic one says, though it has expired or its session has ended; undefined for anything else. */
  read(token: string): RefreshJwtClaims | undefined {
    if (token.length > longest) return undefined
    const [first, payload = '', signature = '', ...rest] = token.split('.')
    if (first !== header || rest.length > 0) return undefined
    const claims = parse(payload)
    const key = claims && this.#sessions.presentationKey(claims.jti, this.#purpose)
    if (!key) return undefined
    const expected = sign(`${first}.${payload}`, key)
    return equalsInConstantTime(Buffer.from(signature), Buffer.from(expected)) ? claims : undefined
  }
}

function sign(signingInput: string, key: Buffer): string {
  return hmacSha256(key, signingInput).toString('base64url')
}

/** Unverified. */
function parse(payload: string): RefreshJwtClaims | undefined {
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof claims?.jti === 'string' && typeof claims.exp === 'number' ? claims : undefined
  } catch {
    return undefined
  }
}
