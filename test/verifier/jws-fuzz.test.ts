import {
  checkAccessTokenClaims,
  InvalidTokenError,
  type JsonObject,
  parseCompactJws,
  verifyCompactJws,
} from '@mintage/verifier/jws'
import test from 'ava'
import fc from 'fast-check'
import { mutated } from './mutations.ts'
import { forge, goodHeader, publicKey } from './token-forge.ts'

const payload = { sub: 'somebody', aud: ['a', 'b'], scope: 'x:y' }
const good = forge(goodHeader, payload)
/** The payload, or undefined when the token was refused as it should be: with our own error. */
function read(token: string): JsonObject | undefined {
  try {
    return verifyCompactJws(parseCompactJws(token), publicKey)
  } catch (error) {
    if (error instanceof InvalidTokenError) return undefined
    throw error
  }
}

test('a mutated token is never accepted, and only our error is thrown', (t) => {
  fc.assert(
    fc.property(mutated(good), (token) => {
      fc.pre(token !== good)
      return read(token) === undefined
    }),
    { numRuns: 5_000 },
  )
  t.deepEqual(read(good), payload)
})

test('every single changed character is noticed', (t) => {
  for (let at = 0; at < good.length; at++) {
    for (const char of ['A', 'B', 'Q', '-', '.']) {
      const token = good.slice(0, at) + char + good.slice(at + 1)
      if (token !== good && read(token) !== undefined) t.fail(`${at} ${char}`)
    }
  }
  t.pass()
})

test('arbitrary text is refused with our error', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fc.base64String(), { maxLength: 6 }).map((a) => a.join('.')),
      ),
      (text) => read(text) === undefined,
    ),
    { numRuns: 2_000 },
  )
  t.pass()
})

test('signed arbitrary bytes give an object as JSON.parse would read it, or our error', (t) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array)),
    fc.json().map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(bytes, (raw) => {
      const claims = read(forge(goodHeader, raw))
      if (claims !== undefined) t.deepEqual(claims, JSON.parse(raw.toString()))
    }),
    { numRuns: 400 },
  )
  t.pass()
})

/** A JSON value whose objects may have a name twice. */
type Node = { members: [string, Node][] } | { items: Node[] } | { leaf: string | number | boolean | null }

// JSON.parse of Node 24.21 takes an escaped name of one character for a backslash now and then, so there is none.
const key = fc.constantFrom('a', 'b', ':', '""', '\\\\', '', '__proto__', '1', 'é', '":{"a":', 'A')
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      leaf: fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null), key),
    }),
    fc.record({ items: fc.array(tie('node'), { maxLength: 4 }) }),
    fc.record({ members: fc.array(fc.tuple(key, tie('node')), { maxLength: 5 }) }),
  ),
}))

/** Writes a node as JSON with white space, and with names in \\u escapes if asked. */
function write(value: Node, escaped: boolean): string {
  if ('leaf' in value) return JSON.stringify(value.leaf)
  if ('items' in value) return `[ ${value.items.map((item) => write(item, escaped)).join(',\n')}]`
  return `{${value.members.map(([name, member]) => ` ${writeKey(name, escaped)} :${write(member, escaped)}`).join(',')}}`
}

function writeKey(name: string, escaped: boolean): string {
  if (!escaped || name.length === 1) return JSON.stringify(name)
  const codes = [...Array(name.length).keys()].map((index) => name.charCodeAt(index))
  return `"${codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('')}"`
}

function hasDuplicates(value: Node): boolean {
  if ('leaf' in value) return false
  if ('items' in value) return value.items.some(hasDuplicates)
  const names = new Set(value.members.map(([name]) => name))
  return names.size < value.members.length || value.members.some(([, member]) => hasDuplicates(member))
}

test('row 32: an object is refused exactly when some object in it has a name twice', (t) => {
  const members = fc.array(fc.tuple(key, node), { maxLength: 5 })
  const seen = { refused: 0, accepted: 0 }
  fc.assert(
    fc.property(members, fc.boolean(), (list, escaped) => {
      const root: Node = { members: list }
      const claims = read(forge(goodHeader, write(root, escaped)))
      seen[claims === undefined ? 'refused' : 'accepted']++
      return (claims === undefined) === hasDuplicates(root)
    }),
    { numRuns: 600 },
  )
  t.true(seen.refused > 20 && seen.accepted > 20, JSON.stringify(seen))
})

test('row 30: arbitrary claims are accepted only when all that counts is right', (t) => {
  const now = 1_800_000_000
  const expected = {
    issuer: 'i',
    audience: 'a',
    typ: 'at+jwt',
    now: now * 1_000,
    clockTolerance: 0,
    maxLifetime: 900_000,
  } as const
  const orJunk = <T>(right: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 6, arbitrary: right }, fc.jsonValue({ maxDepth: 1 }))
  const time = fc.integer({ min: now - 1_000, max: now + 1_000 })
  const claims = fc.record(
    {
      iss: orJunk(fc.constant('i')),
      aud: orJunk(fc.constantFrom('a', ['a'], ['b', 'a'])),
      exp: orJunk(fc.integer({ min: now + 1, max: now + 800 })),
      iat: orJunk(fc.integer({ min: now - 90, max: now })),
      nbf: orJunk(time),
      sub: orJunk(fc.string()),
      client_id: orJunk(fc.string()),
      jti: orJunk(fc.string()),
    },
    { requiredKeys: ['iss', 'aud', 'exp', 'iat', 'sub', 'client_id'] },
  )
  let accepted = 0
  fc.assert(
    fc.property(claims, (candidate) => {
      try {
        checkAccessTokenClaims({ typ: 'at+jwt' }, candidate as JsonObject, expected)
      } catch (error) {
        return error instanceof InvalidTokenError
      }
      accepted++
      const { iss, aud, exp, iat, nbf = iat, ...rest } = candidate
      const right = iss === 'i' && (aud === 'a' || (Array.isArray(aud) && aud.includes('a')))
      const timely =
        Number(exp) > now && Number(iat) <= now && Number(nbf) <= now && Number(exp) - Number(iat) <= 900
      return (
        right &&
        timely &&
        Object.values(rest).every((value) => typeof value === 'string') &&
        'jti' in candidate
      )
    }),
    { numRuns: 3_000 },
  )
  t.true(accepted > 20, String(accepted))
})
