import {
  type ClaimsExpectation,
  checkAccessTokenClaims,
  InvalidTokenError,
  type InvalidTokenReason,
  type JsonObject,
} from '@mintage/verifier/jws'
import test, { type ExecutionContext } from 'ava'

const seconds = 1_800_000_000
const expected: ClaimsExpectation = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  typ: 'at+jwt',
  now: seconds * 1_000,
  clockTolerance: 30_000,
  maxLifetime: 86_400_000,
}
const header = { typ: 'at+jwt' }
const claims = {
  iss: 'https://issuer.example',
  sub: 'user-1',
  aud: 'https://api.example',
  client_id: 'web',
  iat: seconds,
  exp: seconds + 900,
  jti: 'token-1',
}

/** `undefined` takes a claim away. */
function change(changes: Record<string, unknown>): JsonObject {
  return JSON.parse(JSON.stringify({ ...claims, ...changes }))
}

function accepts(t: ExecutionContext, changes: Record<string, unknown>, expectation = expected): void {
  t.notThrows(() => checkAccessTokenClaims(header, change(changes), expectation), JSON.stringify(changes))
}

function refuses(
  t: ExecutionContext,
  changes: Record<string, unknown>,
  reason: InvalidTokenReason,
  expectation = expected,
): void {
  const check = () => checkAccessTokenClaims(header, change(changes), expectation)
  const error = t.throws(check, { instanceOf: InvalidTokenError }, JSON.stringify(changes))
  t.is(error?.reason, reason, JSON.stringify(changes))
}

test('good claims come back as they were', (t) => {
  t.deepEqual(checkAccessTokenClaims(header, claims, expected), claims)
  accepts(t, { scope: 'a b', sid: 'session-1', nbf: seconds, auth_time: seconds, other: { free: [1] } })
})

test('row 30: exp is required and is the first moment at which the token is dead', (t) => {
  refuses(t, { exp: undefined }, 'missing_claim')
  accepts(t, { iat: seconds - 900, exp: seconds - 29.999 })
  refuses(t, { iat: seconds - 900, exp: seconds - 30 }, 'expired')
  refuses(t, { iat: 0, exp: 0 }, 'expired')
  refuses(t, { exp: -1 }, 'expired')
})

test('row 30: exp stays within the cap, from iat and from now', (t) => {
  accepts(t, { exp: seconds + 86_400 })
  refuses(t, { exp: seconds + 86_401 }, 'lifetime_too_long')
  refuses(t, { exp: Number.MAX_SAFE_INTEGER }, 'lifetime_too_long')
  refuses(t, { iat: seconds - 86_400, exp: seconds + 1 }, 'lifetime_too_long')
  refuses(t, { iat: seconds + 31, exp: seconds + 86_431 }, 'not_yet_valid')
})

test('row 30: iat is required; iat and nbf may be ahead by the tolerance', (t) => {
  refuses(t, { iat: undefined }, 'missing_claim')
  accepts(t, { iat: seconds + 30 })
  refuses(t, { iat: seconds + 31 }, 'not_yet_valid')
  accepts(t, { nbf: seconds + 30 })
  refuses(t, { nbf: seconds + 31 }, 'not_yet_valid')
  refuses(t, { nbf: seconds + 1 }, 'not_yet_valid', { ...expected, clockTolerance: 0 })
})

test('row 30: times are finite numbers', (t) => {
  for (const name of ['exp', 'iat', 'nbf', 'auth_time']) {
    for (const value of ['1800000900', null, true, [], {}, [seconds]])
      refuses(t, { [name]: value }, 'invalid_claim')
    const infinite = JSON.parse(`{"${name}":1e999}`)
    const error = t.throws(() => checkAccessTokenClaims(header, { ...claims, ...infinite }, expected), {
      instanceOf: InvalidTokenError,
    })
    t.is(error?.reason, 'invalid_claim')
  }
})

test('row 30: iss is compared byte for byte', (t) => {
  for (const iss of ['https://issuer.example/', 'https://ISSUER.example', 'http://issuer.example', '', 'x']) {
    refuses(t, { iss }, 'wrong_issuer')
  }
  for (const iss of [null, 1, ['https://issuer.example'], { iss: 'https://issuer.example' }]) {
    refuses(t, { iss }, 'wrong_issuer')
  }
  refuses(t, { iss: undefined }, 'missing_claim')
})

test('row 30: aud is there and names this audience, alone or among others', (t) => {
  accepts(t, { aud: ['https://other.example', 'https://api.example'] })
  accepts(t, {}, { ...expected, audience: ['https://api.example', 'https://old.example'] })
  refuses(t, { aud: undefined }, 'missing_claim')
  refuses(t, { aud: 'https://api.example/' }, 'wrong_audience')
  refuses(t, { aud: 'https://api.example https://other.example' }, 'wrong_audience')
  refuses(t, { aud: [] }, 'wrong_audience')
  refuses(t, { aud: '' }, 'wrong_audience')
  for (const aud of [null, 1, {}, ['https://api.example', 1], [['https://api.example']]]) {
    refuses(t, { aud }, 'invalid_claim')
  }
  refuses(t, {}, 'wrong_audience', { ...expected, audience: [] })
})

test('row 30: typ is required and compared as a media type', (t) => {
  const check = (typ: JsonObject, want: 'at+jwt' | 'JWT') => () =>
    checkAccessTokenClaims(typ, claims, { ...expected, typ: want })
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt']) {
    t.notThrows(check({ typ }, 'at+jwt'))
    t.throws(check({ typ }, 'JWT'), { instanceOf: InvalidTokenError })
  }
  for (const typ of [
    'JWT',
    'jwt',
    'id_token+jwt',
    'at+jwt ',
    'at+jwt;v=1',
    'text/at+jwt',
    '',
    null,
    1,
    ['at+jwt'],
  ]) {
    const error = t.throws(check({ typ }, 'at+jwt'), { instanceOf: InvalidTokenError })
    t.is(error?.reason, 'wrong_type')
  }
  t.throws(check({}, 'at+jwt'), { instanceOf: InvalidTokenError })
  t.notThrows(check({ typ: 'JWT' }, 'JWT'))
})

test('what RFC 9068 §2.2 requires is required of at+jwt, and has its type wherever it stands', (t) => {
  for (const name of ['sub', 'client_id', 'jti']) {
    refuses(t, { [name]: undefined }, 'missing_claim')
    t.notThrows(() =>
      checkAccessTokenClaims({ typ: 'JWT' }, change({ [name]: undefined }), { ...expected, typ: 'JWT' }),
    )
  }
  for (const name of ['sub', 'client_id', 'jti', 'scope', 'sid']) {
    for (const value of [null, 1, ['a'], {}]) refuses(t, { [name]: value }, 'invalid_claim')
  }
})
