import test from 'ava'
import { randomId, randomToken } from '../../src/lib/ids.ts'

test('a token has as many random bytes as were asked for, and none is given out twice', (t) => {
  const tokens = Array.from({ length: 20_000 }, (_, index) => randomToken(8 + (index % 32)))
  for (const [index, token] of tokens.entries()) {
    t.is(Buffer.from(token, 'base64url').length, 8 + (index % 32))
  }
  t.is(new Set(tokens.map((token) => token.slice(0, 10))).size, tokens.length)
})

test('every bit of every byte is random', (t) => {
  const ones = new Array<number>(128).fill(0)
  for (let count = 0; count < 4_000; count++) {
    const bytes = Buffer.from(randomToken(16), 'base64url')
    for (let bit = 0; bit < 128; bit++)
      ones[bit] = (ones[bit] ?? 0) + (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1)
  }
  // Eight standard deviations of a fair coin.
  for (const count of ones) t.true(Math.abs(count - 2_000) < 8 * Math.sqrt(1_000), String(count))
})

test('an id names its kind', (t) => {
  t.regex(randomId('ses'), /^ses_[A-Za-z0-9_-]{22}$/)
})
