import { formatDuration } from '../lib/durations.ts'
import { quote } from '../lib/quote.ts'
import { findProtectedClaims, type JsonObject } from '../protocol/claims.ts'
import type { UserDataTemplates } from '../store/client-table.ts'
import { type LifeBounds, lifeBounds } from '../tokens/lives.ts'
import { findUnknownNames } from '../tokens/user-data.ts'
import { AdminError } from './admin-error.ts'

/**
 * Without `:`, `%` and `+`, which many clients forget to encode in HTTP Basic, and without a hyphen in front, which on a
 * command line begins an option.
 */
const clientId = /^(?!-)[A-Za-z0-9._~@/-]{1,128}$/

/** In bytes. Free claims go into every token, the client's and the user's, and a verifier refuses one over 16 KiB. */
const largestClaims = 4_096

export function checkClientId(id: string): void {
  if (!clientId.test(id)) {
    throw new AdminError(
      `A client id is 1 to 128 letters, digits and . _ ~ @ / -, without a hyphen in front, not ${quote(id)}.`,
    )
  }
  // The subject of a client's own token is its client id; no user's id may look like one (RFC 9068 §5).
  if (id.startsWith('usr_'))
    throw new AdminError('A client id does not begin with usr_, as the ids of users do.')
}

export function checkUsername(username: string): void {
  // U+FFFD stands where bytes were no text, so that many names would become this one.
  if (
    username === '' ||
    username.length > 254 ||
    /[\p{Cc}\p{Cs}\uFFFD]/u.test(username) ||
    username.trim() !== username
  ) {
    throw new AdminError('A user name is 1 to 254 characters, without control characters or space around it.')
  }
}

export function checkEmail(email: string): void {
  if (!/^[^\s@]+@[^\s@]+$/.test(email) || email.length > 254 || /\p{Cc}/u.test(email)) {
    throw new AdminError(`${quote(email)} is no e-mail address.`)
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

/**
 * As {@link checkClaims}. A user that came from Django keeps the id that its services know it by, as `user_id`; it
 * stands for one user, so no client can have it, and it is never the `sub` of another user here.
 */
export function checkUserClaims(claims: JsonObject): void {
  checkClaims(claims, ['user_id'])
  const { user_id: id } = claims
  if (id === undefined || Number.isSafeInteger(id)) return
  if (typeof id !== 'string' || !/^(?!usr_)[^\p{Cc}\p{Cs}\uFFFD]{1,255}$/u.test(id)) {
    throw new AdminError(
      'A user_id is a whole number, or 1 to 255 characters without control characters, and does not begin with ' +
        'usr_, as the ids of users here do.',
    )
  }
}

export function checkClaims(claims: JsonObject, except: readonly string[] = []): void {
  const forbidden = findProtectedClaims(claims, except)
  if (forbidden.length > 0) {
    throw new AdminError(`Only the issuer sets ${forbidden.join(', ')}; choose other names for free claims.`)
  }
  if (measure(claims) > largestClaims) {
    throw new AdminError(
      `Free claims are at most ${largestClaims} bytes of JSON, as every token carries them.`,
    )
  }
}

/** The name of a field in a Django login. */
export function checkUsernameField(name: string | undefined): void {
  if (name === undefined || (/^[A-Za-z_]\w{0,63}$/.test(name) && name !== 'password')) return
  throw new AdminError(
    `The user name's field is 1 to 64 letters, digits and _, not a digit in front, and not password: not ${quote(name)}.`,
  )
}

/** The name of a cookie: a token of RFC 9110 §5.6.2 (RFC 6265 §4.1.1). A prefix promises what a setting cannot keep. */
export function checkCookieName(name: string | undefined): void {
  if (name === undefined || (/^[!#$%&'*+.^_`|~\w-]{1,64}$/.test(name) && !/^__(host|secure)-/i.test(name)))
    return
  throw new AdminError(
    `A cookie's name is 1 to 64 letters, digits and the like, without __Host- or __Secure- in front: not ${quote(name)}.`,
  )
}

/** What an answer holds already, in one wire format or the other. */
const answerMembers: ReadonlySet<string> = new Set([
  'access',
  'access_token',
  'expires_in',
  'pk',
  'refresh',
  'refresh_token',
  'refresh_token_expires_in',
  'scope',
  'token',
  'token_type',
])

/** The templates of what of a user joins answers and tokens. */
export function checkUserData(templates: UserDataTemplates | null): void {
  const { answer = {}, token = {} } = templates ?? {}
  checkClaims(token)
  const taken = Object.keys(answer).filter((name) => answerMembers.has(name))
  if (taken.length > 0) {
    throw new AdminError(`Answers have ${taken.join(', ')} already; choose other names for the user's data.`)
  }
  if (measure(answer) > largestClaims) {
    throw new AdminError(`A template is at most ${largestClaims} bytes of JSON.`)
  }
  const unknown = findUnknownNames({ answer, token })
  if (unknown.length > 0) {
    throw new AdminError(
      `A template knows $id, $username, $email, $user_id and $claims.NAME, and $$ for one $: not ${quote(unknown.join(', '))}.`,
    )
  }
}

/** In bytes of JSON. What is nested too deeply to be written is too large at any rate. */
function measure(claims: JsonObject): number {
  try {
    return Buffer.byteLength(JSON.stringify(claims))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** The lives that a client or API may set for itself, in milliseconds; null and undefined: the installation's. */
export interface OwnLives {
  readonly accessTokenTtl?: number | null
  readonly sessionIdleTtl?: number | null
  readonly sessionTtl?: number | null
  readonly retryWindow?: number | null
}

export function checkLives(lives: OwnLives): void {
  checkLife('an access token', lives.accessTokenTtl, lifeBounds.accessToken)
  checkLife('an idle session', lives.sessionIdleTtl, lifeBounds.sessionIdle)
  checkLife('a session', lives.sessionTtl, lifeBounds.session)
  checkLife('a retry window', lives.retryWindow, lifeBounds.retryWindow)
  if ((lives.sessionIdleTtl ?? 0) > (lives.sessionTtl ?? Number.POSITIVE_INFINITY)) {
    throw new AdminError(
      'A session cannot idle past its life: lower --session-idle-ttl or raise --session-ttl.',
    )
  }
}

function checkLife(what: string, life: number | null | undefined, { least, most }: LifeBounds): void {
  if (typeof life !== 'number' || (life >= least && life <= most)) return
  throw new AdminError(
    `The life of ${what} is from ${formatDuration(least)} to ${formatDuration(most)}, not ${formatDuration(life)}.`,
  )
}
