import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { InvalidTokenError } from '@mintage/verifier/jws'
import test from 'ava'
import { SelfCheck } from '../../src/tokens/self-check.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const now = 1_700_000_000_000
const expected = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  typ: 'at+jwt',
  now,
  clockTolerance: 1_000,
  maxLifetime: 3_600_000,
} as const
const claims = {
  iss: expected.issuer,
  aud: expected.audience,
  sub: 'service',
  client_id: 'service',
  jti: 'one',
  iat: now / 1_000,
  exp: now / 1_000 + 900,
}

function write(key: KeyObject, said: object = claims): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const input = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: 'k' })}.${encode(said)}`
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

/** How many of `count` tokens with a bad signature are refused. */
function countRefused(check: SelfCheck, count: number): number {
  const bad = write(other.privateKey)
  let refused = 0
  for (let n = 0; n < count; n++) {
    try {
      check.checkToken(bad, publicKey, expected)
    } catch (error) {
      if (!(error instanceof InvalidTokenError) || error.reason !== 'bad_signature') throw error
      refused++
    }
  }
  return refused
}

test('what a token says is checked each time', (t) => {
  const check = new SelfCheck()
  for (const [said, reason] of [
    [{ ...claims, iss: 'https://other.example' }, 'wrong_issuer'],
    [{ ...claims, aud: 'https://other.example' }, 'wrong_audience'],
    [{ ...claims, exp: claims.iat - 900 }, 'expired'],
    [{ ...claims, jti: 7 }, 'invalid_claim'],
  ] as const) {
    t.is(t.throws(() => check.checkClaims(said, expected), { instanceOf: InvalidTokenError }).reason, reason)
  }
  t.notThrows(() => check.checkClaims(claims, expected))
})

test('the first signature of each key is verified, and one of each 64 that follow', (t) => {
  const check = new SelfCheck()
  t.is(countRefused(check, 1), 1)
  const good = write(privateKey)
  check.checkToken(good, publicKey, expected)
  t.is(countRefused(check, 63), 0)
  t.is(countRefused(check, 1), 1)
  check.checkToken(write(other.privateKey), other.publicKey, expected)
  t.throws(() => new SelfCheck().checkToken(good, other.publicKey, expected), {
    instanceOf: InvalidTokenError,
  })
})

test('after a bad signature every token is verified until one is good', (t) => {
  const check = new SelfCheck()
  t.is(countRefused(check, 200), 200)
  check.checkToken(write(privateKey), publicKey, expected)
  t.is(countRefused(check, 1), 0)
})

test('a token that verifiers would not look at goes to nobody', (t) => {
  const check = new SelfCheck()
  check.checkToken(write(privateKey), publicKey, expected)
  const large = write(privateKey, { ...claims, roles: 'x'.repeat(13_000) })
  const refused = t.throws(() => check.checkToken(large, publicKey, expected), {
    instanceOf: InvalidTokenError,
  })
  t.is(refused.reason, 'too_large')
})
