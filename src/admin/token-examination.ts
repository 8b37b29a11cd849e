import type { KeyObject } from 'node:crypto'
import {
  checkAccessTokenClaims,
  InvalidTokenError,
  type InvalidTokenReason,
  maxTokenLength,
  parseCompactJws,
  verifyCompactJws,
} from '@mintage/verifier/jws'
import { day, formatDuration, hour, minute, second } from '../lib/durations.ts'
import { quote } from '../lib/quote.ts'
import type { JsonObject, JsonValue } from '../protocol/claims.ts'

/** What is known of a key by its `kid`; a sentence where it is known and must not be used. */
export type KnownKey = KeyObject | string | undefined

/** What an access token is held against. */
export interface Examination {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Undefined: `iss` is not compared. */
  readonly issuer: string | undefined
  /** Undefined: `aud` is not compared. */
  readonly audience: string | undefined
  /** The `typ` that tokens for an audience have; undefined where nobody knows. */
  readonly typOf: (audience: string) => 'at+jwt' | 'JWT' | undefined
  readonly keyOf: (kid: string) => KnownKey
}

/** What a token says, and each thing that is wrong with it as a sentence. */
export interface Findings {
  readonly header?: JsonObject
  readonly claims?: JsonObject
  readonly isSigned: boolean
  readonly problems: readonly string[]
}

/** The longest life that a verifier believes, and how far apart clocks may be; as the verifier has them by default. */
const maxLifetime = day
const clockTolerance = 30 * second

const parseProblems: Partial<Record<InvalidTokenReason, string>> = {
  too_large: `It is longer than ${maxTokenLength} characters, which is all that a verifier looks at.`,
  malformed:
    'Its base64url is not canonical (padding, other characters or loose bits at the end), or its header lacks a kid.',
  unsupported_header: 'Its header has crit or b64, which name extensions that no verifier here knows.',
}

/** Takes a token apart as far as it goes and collects what is wrong, where a verifier would stop at the first thing. */
export function examineAccessToken(token: string, examination: Examination): Findings {
  const parts = token.split('.')
  if (parts.length !== 3) return { isSigned: false, problems: [describeShape(token, parts.length)] }
  const header = decode(parts[0])
  const claims = decode(parts[1])
  const problems: string[] = []
  if (!header) problems.push('Its first part is not a JSON object in base64url, as the header of a JWS is.')
  if (!claims) problems.push('Its second part is not a JSON object in base64url, as the claims of a JWT are.')
  const isSigned = header !== undefined && checkSignature(token, header, examination, problems)
  if (header && claims) {
    checkHeader(header, claims, examination, problems)
    checkClaims(claims, examination, problems)
    if (problems.length === 0) checkAsVerifier(header, claims, examination, problems)
  }
  return { ...(header && { header }), ...(claims && { claims }), isSigned, problems }
}

function describeShape(token: string, parts: number): string {
  if (token === '') return 'It is empty: say a token, or pipe one in.'
  if (token.trimStart().startsWith('{'))
    return 'It is JSON: a token is the compact form, three parts with dots.'
  if (parts === 5)
    return 'It has five parts, as an encrypted token (JWE) has: only who has its key can read it.'
  return `It is not a JWS: that has three parts with dots between, and this has ${parts}.`
}

function checkSignature(
  token: string,
  header: JsonObject,
  { keyOf }: Examination,
  problems: string[],
): boolean {
  const { alg, kid } = header
  if (alg !== 'RS256') {
    problems.push(
      `Its header says alg ${show(alg)}: Mintage signs with RS256, and a verifier takes nothing else.`,
    )
    return false
  }
  if (typeof kid !== 'string') {
    problems.push('Its header has no kid, so that nobody can tell which key signed it.')
    return false
  }
  const key = keyOf(kid)
  if (key === undefined) {
    problems.push(`Its key ${quote(kid)} is unknown: it is from another issuer, or was forgotten long ago.`)
    return false
  }
  if (typeof key === 'string') {
    problems.push(key)
    return false
  }
  try {
    verifyCompactJws(parseCompactJws(token), key)
    return true
  } catch (error) {
    if (!(error instanceof InvalidTokenError)) throw error
    problems.push(
      error.reason === 'bad_signature'
        ? `Its signature does not match the key ${quote(kid)}: it was altered, or cut, or is not from this issuer.`
        : (parseProblems[error.reason] ?? error.message),
    )
    return false
  }
}

function checkHeader(
  { typ }: JsonObject,
  claims: JsonObject,
  { typOf }: Examination,
  problems: string[],
): void {
  const expected = expectedTyp(claims, typOf)
  const name = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
  if (name === expected.toLowerCase()) return
  problems.push(
    `Its header says typ ${show(typ)}, and access tokens for its audience have ${quote(expected)}.`,
  )
}

function checkClaims(
  claims: JsonObject,
  { now, issuer, audience, typOf }: Examination,
  problems: string[],
): void {
  const { iss, aud, exp, iat, nbf } = claims
  if (issuer !== undefined && iss !== issuer) {
    problems.push(`Its issuer is ${show(iss)}, and not ${quote(issuer)}, byte for byte.`)
  }
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (audience !== undefined && !audiences.includes(audience)) {
    problems.push(`It is meant for ${show(aud)}, and not for ${quote(audience)}.`)
  }
  // RFC 9068 §2.2; an API that asked for typ JWT gets the claims that its library knows.
  const required = expectedTyp(claims, typOf) === 'at+jwt' ? ['sub', 'client_id', 'jti'] : []
  for (const name of required) {
    if (typeof claims[name] !== 'string') problems.push(`It has no ${name}, as every access token has.`)
  }
  if (!isDate(exp)) problems.push('It has no exp that is a number, so that it would never end.')
  else if (now >= exp * second) {
    problems.push(`It expired ${formatSpan(now - exp * second)} ago, at ${formatDate(exp)}.`)
  }
  if (!isDate(iat)) problems.push('It has no iat that is a number.')
  else if (iat * second > now + clockTolerance) {
    problems.push(`It was issued in the future, at ${formatDate(iat)}: compare the clocks.`)
  }
  if (isDate(nbf) && nbf * second > now + clockTolerance) {
    problems.push(`It is not valid before ${formatDate(nbf)}.`)
  }
}

/** The verifier has the last word: it knows more rules than have a sentence of their own here. */
function checkAsVerifier(
  header: JsonObject,
  claims: JsonObject,
  { now, issuer, audience, typOf }: Examination,
  problems: string[],
): void {
  const { iss, aud } = claims
  const own = (Array.isArray(aud) ? aud : [aud]).filter((each) => typeof each === 'string')
  try {
    checkAccessTokenClaims(header, claims, {
      issuer: issuer ?? String(iss),
      audience: audience ?? own,
      typ: expectedTyp(claims, typOf),
      now,
      clockTolerance,
      maxLifetime,
    })
  } catch (error) {
    if (!(error instanceof InvalidTokenError)) throw error
    problems.push(error.message)
  }
}

function expectedTyp({ aud }: JsonObject, typOf: Examination['typOf']): 'at+jwt' | 'JWT' {
  return (typeof aud === 'string' ? typOf(aud) : undefined) ?? 'at+jwt'
}

/** Leniently: this is for showing, and the verifier's strict reading has the say. */
export function decode(part = ''): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined
  } catch {
    return undefined
  }
}

function isDate(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Math.abs(value * second) < 8.64e15
}

function show(value: unknown): string {
  return value === undefined
    ? 'nothing'
    : quote(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
}

function formatDate(seconds: number): string {
  return new Date(seconds * second).toISOString()
}

/** A span for people, in the largest unit that says enough. */
export function formatSpan(milliseconds: number): string {
  const unit = [day, hour, minute].find((each) => milliseconds >= 2 * each) ?? second
  return formatDuration(Math.max(unit, milliseconds - (milliseconds % unit)))
}
