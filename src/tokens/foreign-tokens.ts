import { verify } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { equalsInConstantTime, hmacSha256, sha256 } from '../lib/digests.ts'
import { second } from '../lib/durations.ts'
import type { ForeignKey } from './foreign-key.ts'

/** An authentic token of the issuer before this one. */
export type ForeignToken =
  | {
      readonly kind: 'refresh'
      /** Whom it names: the `user_id` that the user came with. */
      readonly userId: string
      /** What is remembered of it. */
      readonly digest: string
      /** Milliseconds since the epoch. */
      readonly expiresAt: number
    }
  | { readonly kind: 'expired' }
  /** It is good, and no refresh token. */
  | { readonly kind: 'other' }

/** Far longer than what any project puts into a refresh token. */
const longest = 16_384

const base64url = /^[\w-]*$/

/** What is remembered of a token in place of its `jti`. */
export function digestTokenId(jti: string): string {
  return sha256(jti)
}

/** Reads the tokens that a project's djangorestframework-simplejwt has signed, until its key counts no more. */
export class ForeignTokens {
  readonly #key: ForeignKey
  readonly #until: number
  readonly #clock: Clock

  /** @param until in milliseconds since the epoch. */
  constructor(key: ForeignKey, until: number, clock: Clock) {
    this.#key = key
    this.#until = until
    this.#clock = clock
  }

  /** Undefined for what the key has not signed, or what SimpleJWT would not take. */
  read(token: string): ForeignToken | undefined {
    const now = this.#clock.now()
    if (now >= this.#until || token.length > longest) return undefined
    const claims = this.#verify(token)
    if (!claims) return undefined
    const { exp, nbf, jti, user_id: userId, token_type: type } = claims
    if (!isTime(exp) || (nbf !== undefined && (!isTime(nbf) || nbf * second > now))) return undefined
    if (exp * second <= now) return { kind: 'expired' }
    if (type !== 'refresh') return { kind: 'other' }
    if (typeof jti !== 'string' || jti === '') return undefined
    if (typeof userId !== 'string' && !Number.isSafeInteger(userId)) return undefined
    return { kind: 'refresh', userId: String(userId), digest: digestTokenId(jti), expiresAt: exp * second }
  }

  #verify(token: string): Readonly<Record<string, unknown>> | undefined {
    const parts = token.split('.')
    const [encodedHeader = '', encodedPayload = '', encodedSignature = ''] = parts
    if (parts.length !== 3) return undefined
    const [header, payload, signature] = [encodedHeader, encodedPayload, encodedSignature].map(decode)
    if (!header || !payload || !signature) return undefined
    const said = parse(header)
    // No extension is understood here (RFC 7515 §4.1.11), and a key inside the header means nothing.
    if (said?.['alg'] !== this.#key.algorithm || 'crit' in said || 'b64' in said) return undefined
    return this.#isSigned(`${encodedHeader}.${encodedPayload}`, signature) ? parse(payload) : undefined
  }

  #isSigned(signingInput: string, signature: Buffer): boolean {
    if (this.#key.algorithm === 'HS256') {
      return equalsInConstantTime(signature, hmacSha256(this.#key.secret, signingInput))
    }
    return verify('sha256', Buffer.from(signingInput), this.#key.publicKey, signature)
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** Canonical base64url only: there is no second spelling of a token (RFC 7515 §2). */
function decode(part: string): Buffer | undefined {
  if (!base64url.test(part)) return undefined
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}
