import test from 'ava'
import { equalsInConstantTime, hmacSha256, sha256 } from '../../src/lib/digests.ts'
import { randomId, randomToken } from '../../src/lib/ids.ts'

test('SHA-256 is that of FIPS 180-4', (t) => {
  const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  t.is(Buffer.from(sha256('abc'), 'base64url').toString('hex'), expected)
  t.is(sha256(Buffer.from('abc')), sha256('abc'))
})

test('HMAC-SHA-256 is that of RFC 4231 §4.3', (t) => {
  const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
  t.is(hmacSha256(Buffer.from('Jefe'), 'what do ya want for nothing?').toString('hex'), expected)
})

test('only equal bytes are equal, and another length is no error', (t) => {
  const bytes = Buffer.from('abc')
  t.true(equalsInConstantTime(bytes, Buffer.from('abc')))
  for (const other of ['abd', 'ab', 'abcd', '']) t.false(equalsInConstantTime(bytes, Buffer.from(other)))
})

test('an id is its prefix and 128 bits that come only once', (t) => {
  const ids = Array.from({ length: 1_000 }, () => randomId('ses'))
  t.is(new Set(ids).size, 1_000)
  for (const id of ids) t.regex(id, /^ses_[\w-]{22}$/)
  t.is(Buffer.from(randomToken(32), 'base64url').length, 32)
})
