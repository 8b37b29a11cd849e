import test from 'ava'
import fc from 'fast-check'
import { readCredentials } from '../../src/http/oauth2/credentials.ts'
import { decode, parseForm } from '../../src/http/oauth2/parameters.ts'
import { InvalidClientError, InvalidRequestError, InvalidTargetError } from '../../src/protocol/errors.ts'

/** As HTML forms encode: `application/x-www-form-urlencoded`. */
const encode = (text: string) => new URLSearchParams([[text, '']]).toString().slice(0, -1)
const text = fc.string({ unit: 'grapheme' }).filter((value) => !/\p{Surrogate}/u.test(value))
const name = text.filter((value) => !/[[\]]/.test(value))

test('security 2: what a form encoder wrote is read back, but for what has no value', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, text), { selector: ([key]) => key }), (pairs) => {
      const form = pairs.map((pair) => pair.map(encode).join('=')).join('&')
      t.deepEqual(
        [...parseForm(form)],
        pairs.filter(([, value]) => value !== ''),
      )
    }),
  )
})

test('security 2: any name that stands twice is refused, however it is spelled', (t) => {
  const spell = (value: string, all: boolean) =>
    all
      ? [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
      : encode(value)
  fc.assert(
    fc.property(name, text, text, fc.boolean(), fc.boolean(), (key, a, b, first, second) => {
      fc.pre(key !== '')
      const form = `${spell(key, first)}=${encode(a)}&between=1&${spell(key, second)}=${encode(b)}`
      fc.pre(key !== 'between')
      t.throws(() => parseForm(form), {
        instanceOf: key === 'resource' ? InvalidTargetError : InvalidRequestError,
      })
    }),
  )
})

test('security 2: any text is either read or refused as a request, and nothing else happens', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('%', '=', '&', '+', 'a', '[', 'C', '3') })),
      (form) => {
        try {
          for (const [key, value] of parseForm(form)) {
            t.notRegex(key, /[[\]]/)
            t.not(value, '')
          }
        } catch (error) {
          t.true(error instanceof InvalidRequestError || error instanceof InvalidTargetError)
        }
      },
    ),
    { numRuns: 500 },
  )
  t.pass()
})

test('a plus is a space, and %2B a plus', (t) => {
  t.is(decode('a+b%20c%2Bd'), 'a b c+d')
})

test('security 4: Basic credentials of any characters are read back, whatever the case of the scheme', (t) => {
  fc.assert(
    fc.property(
      text,
      text,
      fc.constantFrom('Basic', 'basic', 'BASIC', 'bAsIC'),
      (clientId, secret, scheme) => {
        fc.pre(clientId !== '')
        const header = `${scheme} ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`
        t.deepEqual(readCredentials(header, new Map()), {
          clientId,
          secret: secret === '' ? undefined : secret,
        })
      },
    ),
  )
})

test('security 4: any header is either read or refused as credentials', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String().map((value) => `Basic ${value}`),
      ),
      (header) => {
        try {
          t.truthy(readCredentials(header, new Map())?.clientId)
        } catch (error) {
          t.true(error instanceof InvalidClientError)
        }
      },
    ),
  )
  t.pass()
})

test('security 4: a secret may hold a colon, the name before the first may not', (t) => {
  const header = `Basic ${Buffer.from('name:a:b').toString('base64')}`
  t.deepEqual(readCredentials(header, new Map()), { clientId: 'name', secret: 'a:b' })
})
