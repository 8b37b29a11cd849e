import { day, hour, second } from '../lib/durations.ts'
import { findProtectedClaims, type JsonObject } from '../protocol/claims.ts'
import { AdminError } from './admin-error.ts'

/** Without `:`, `%` and `+`, which many clients forget to encode in HTTP Basic. */
const clientId = /^[A-Za-z0-9._~@/-]{1,128}$/

/** In bytes. Free claims go into every token, the client's and the user's, and a verifier refuses one over 16 KiB. */
const largestClaims = 4_096

/** What verifiers accept at most. */
const longestTokenTtl = 24 * hour

export function checkClientId(id: string): void {
  if (!clientId.test(id)) {
    throw new AdminError(
      `A client id is 1 to 128 letters, digits and . _ ~ @ / -, not ${JSON.stringify(id)}.`,
    )
  }
  // The subject of a client's own token is its client id; no user's id may look like one (RFC 9068 §5).
  if (id.startsWith('usr_'))
    throw new AdminError('A client id does not begin with usr_, as the ids of users do.')
}

export function checkUsername(username: string): void {
  if (username === '' || username.length > 254 || /\p{Cc}/u.test(username) || username.trim() !== username) {
    throw new AdminError('A user name is 1 to 254 characters, without control characters or space around it.')
  }
}

export function checkEmail(email: string): void {
  if (!/^[^\s@]+@[^\s@]+$/.test(email) || email.length > 254 || /\p{Cc}/u.test(email)) {
    throw new AdminError(`${JSON.stringify(email)} is no e-mail address.`)
  }
}

export function checkAudience(audience: string): void {
  if (!/^[\x21-\x7E]{1,512}$/.test(audience)) {
    throw new AdminError(
      'An audience is 1 to 512 printable ASCII characters without space, best the URL of the API.',
    )
  }
}

export function checkName(name: string): void {
  if (name.length > 200 || /\p{Cc}/u.test(name)) {
    throw new AdminError('A name is at most 200 characters, without control characters.')
  }
}

export function checkClaims(claims: JsonObject): void {
  const forbidden = findProtectedClaims(claims)
  if (forbidden.length > 0) {
    throw new AdminError(`Only the issuer sets ${forbidden.join(', ')}; choose other names for free claims.`)
  }
  if (Buffer.byteLength(JSON.stringify(claims)) > largestClaims) {
    throw new AdminError(
      `Free claims are at most ${largestClaims} bytes of JSON, as every token carries them.`,
    )
  }
}

/** `ttl` is in milliseconds. */
export function checkTokenTtl(ttl: number | null | undefined): void {
  if (typeof ttl === 'number' && (ttl < second || ttl > longestTokenTtl)) {
    throw new AdminError('The life of an access token is from 1s to 24h.')
  }
}

/** The longest life of a session. */
const longestSession = 3_650 * day

/** `ttl` is in milliseconds, idle or absolute. */
export function checkSessionTtl(ttl: number | null): void {
  if (ttl !== null && !(ttl >= second && ttl <= longestSession)) {
    throw new AdminError('The life of a session, idle or in all, is from 1s to 3650d.')
  }
}

/** `window` is in milliseconds. */
export function checkRetryWindow(window: number | null): void {
  if (window !== null && !(window >= 0 && window <= hour)) {
    throw new AdminError('The retry window of a refresh is from 0s, by key only, to 1h.')
  }
}
