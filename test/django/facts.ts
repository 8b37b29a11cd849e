import type { Claims } from './corner.ts'
import { decode } from './jwt.ts'
import type { WireAnswer } from './wire.ts'

/** What is compared of an answer, by name: `status`, `header allow`, `body.detail`, `body.access.exp`. */
export type Facts = ReadonlyMap<string, string>

const comparedHeaders = [
  'allow',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-type',
  'cross-origin-opener-policy',
  'location',
  'referrer-policy',
  'retry-after',
  'vary',
  'www-authenticate',
  'x-content-type-options',
  'x-frame-options',
] as const

/** Claims that are the same in both corners, whichever they sign. */
const tellingClaims = new Set(['token_type', 'type', 'username', 'email'])
const times = new Set(['exp', 'iat', 'nbf', 'orig_iat', 'refresh_exp'])

/** What an answer says, without what differs from one run to the next. */
export function findFacts(answer: WireAnswer): Facts {
  const facts = new Map([['status', String(answer.status)]])
  for (const name of comparedHeaders) {
    const value = answer.headers[name]
    if (value !== undefined) facts.set(`header ${name}`, String(value))
  }
  for (const cookie of answer.headers['set-cookie'] ?? []) addCookie(facts, cookie)
  const text = answer.body.toString('utf8')
  const type = answer.headers['content-type'] ?? ''
  if (text === '') facts.set('body', 'empty')
  else if (type.startsWith('application/json')) addJson(facts, 'body', parse(text))
  else if (type.startsWith('text/html')) facts.set('body', 'a page')
  else facts.set('body', text)
  return facts
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function addCookie(facts: Map<string, string>, cookie: string): void {
  const [pair = '', ...attributes] = cookie.split(/; */)
  const kept = attributes.map((each) => each.replace(/^(expires|max-age)=.*/i, '$1')).sort()
  facts.set(`cookie ${pair.split('=')[0]}`, kept.join('; '))
}

function addJson(facts: Map<string, string>, name: string, value: unknown): void {
  if (Array.isArray(value)) {
    facts.set(name, 'a list')
    for (const [index, item] of value.entries()) addJson(facts, `${name}.${index}`, item)
  } else if (typeof value === 'object' && value !== null) {
    facts.set(name, 'an object')
    for (const [key, item] of Object.entries(value)) addJson(facts, `${name}.${key}`, item)
  } else if (typeof value === 'string') addText(facts, name, value)
  else if (typeof value === 'number' && value > 1e9) facts.set(name, 'a time')
  else facts.set(name, value === undefined ? 'broken JSON' : JSON.stringify(value))
}

function addText(facts: Map<string, string>, name: string, text: string): void {
  const token = decode(text)
  if (token) {
    facts.set(name, 'a JWT')
    for (const [key, value] of Object.entries(token.header)) {
      facts.set(`${name}.header.${key}`, key === 'kid' ? 'a key id' : String(value))
    }
    for (const [key, value] of Object.entries(token.claims)) {
      facts.set(`${name}.claims.${key}`, describeClaim(key, value, token.claims))
    }
  } else if (/^mrt_[\w-]+$/.test(text)) facts.set(name, 'an opaque token')
  else facts.set(name, JSON.stringify(text))
}

function describeClaim(key: string, value: unknown, claims: Claims): string {
  if (tellingClaims.has(key)) return JSON.stringify(value)
  if (!times.has(key)) return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  const from = claims['iat'] ?? claims['orig_iat']
  if (typeof value !== 'number' || typeof from !== 'number') return typeof value
  // A pair that is made over a second's end differs by one.
  return `${Math.round((value - from) / 10) * 10} s after it was issued`
}

export interface Difference {
  readonly fact: string
  /** Undefined where it does not say it. */
  readonly django: string | undefined
  readonly mintage: string | undefined
}

/** What one says and the other does not, or otherwise; what is inside something that is another thing altogether is left out. */
export function compare(django: Facts, mintage: Facts): readonly Difference[] {
  const names = [...new Set([...django.keys(), ...mintage.keys()])].sort()
  const different = names.filter((name) => django.get(name) !== mintage.get(name))
  return different
    .filter((name) => !different.some((other) => name.startsWith(`${other}.`)))
    .map((fact) => ({ fact, django: django.get(fact), mintage: mintage.get(fact) }))
}
