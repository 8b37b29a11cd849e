import { decode, encode } from '../jwt.ts'

/** What a stranger can make of a token without any key, as text. */
export const tamperings: readonly (readonly [name: string, tamper: (token: string) => string])[] = [
  ['one letter of the signature changed', (token) => change(token, token.length - 10)],
  ['one letter in the middle changed', (token) => change(token, Math.floor(token.length / 2))],
  ['the first letter changed', (token) => change(token, 0)],
  ['the last letter left out', (token) => token.slice(0, -1)],
  ['without its signature', (token) => token.replace(/[^.]+$/, '')],
  ['without its last part', (token) => token.replace(/\.?[^.]+$/, '')],
  ['with another part', (token) => `${token}.e30`],
  ['twice', (token) => `${token}${token}`],
  ['padded', (token) => `${token}==`],
  ['in capitals', (token) => token.toUpperCase()],
  ['with Bearer before it', (token) => `Bearer ${token}`],
  ['with a space in it', (token) => `${token.slice(0, 20)} ${token.slice(20)}`],
  ['with a NUL behind it', (token) => `${token}\0`],
  ['in quotes', (token) => `"${token}"`],
  ['signed with no algorithm', (token) => resign(token, 'none')],
  ['signed with a guessed secret', (token) => resign(token, 'HS256')],
  ['two dots', () => '..'],
  ['a dot', () => '.'],
  ['a word', () => 'nothing'],
  ['three words', () => 'a.b.c'],
  ['JSON of a JWT', () => '{"alg":"none"}.{}.'],
  ['letters that are not ASCII', () => 'ä.ö.ü'],
  ['a JWT whose header is no object', () => `${base64('[]')}.${base64('{}')}.x`],
  ['a JWT without an algorithm', () => `${base64('{}')}.${base64('{}')}.x`],
  ['a JWT whose claims are no object', () => `${base64('{"alg":"HS256"}')}.${base64('1')}.x`],
  ['15,000 letters', () => 'x'.repeat(15_000)],
]

const base64 = (text: string) => Buffer.from(text).toString('base64url')

function change(token: string, at: number): string {
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

function resign(token: string, alg: string): string {
  const claims = decode(token)?.claims ?? { token_type: 'refresh', user_id: '1' }
  return encode({ header: { alg, typ: 'JWT' }, claims }, 'guessed')
}
