import test from 'ava'
import * as errors from '../../src/protocol/errors.ts'
import { grantTypes, isGrantType } from '../../src/protocol/grant-types.ts'

const codes: readonly (readonly [errors.OAuthError, errors.OAuthErrorCode, number])[] = [
  [new errors.InvalidRequestError('x'), 'invalid_request', 400],
  [new errors.InvalidClientError(), 'invalid_client', 401],
  [new errors.InvalidGrantError('x'), 'invalid_grant', 400],
  [new errors.UnauthorizedClientError('x'), 'unauthorized_client', 400],
  [new errors.UnsupportedGrantTypeError('x'), 'unsupported_grant_type', 400],
  [new errors.InvalidScopeError('x'), 'invalid_scope', 400],
  [new errors.InvalidTargetError('x'), 'invalid_target', 400],
]
for (const [error, code, status] of codes) {
  test(`${error.name} is ${code} with ${status}, and its description is what RFC 6749 §5.2 allows`, (t) => {
    t.is(error.code, code)
    t.is(error.status, status)
    t.true(error instanceof errors.OAuthError)
    t.regex(error.message, /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
    t.is('WWW-Authenticate' in error.headers, status === 401)
  })
}

test('a grant type is one of the list, byte for byte', (t) => {
  for (const type of grantTypes) t.true(isGrantType(type))
  for (const type of ['', 'Password', 'password ', '__proto__', 'includes', 'implicit'])
    t.false(isGrantType(type))
})
