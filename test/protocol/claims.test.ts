import test from 'ava'
import { findProtectedClaims } from '../../src/protocol/claims.ts'

test('security 10: a free claim has no name that the protocol, or a verifier, gives a meaning to', (t) => {
  for (const name of [
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'nbf',
    'jti',
    'client_id',
    'sid',
    'status',
    'scope',
    'cnf',
  ]) {
    t.deepEqual(findProtectedClaims({ free: 1, [name]: 1 }), [name])
  }
  t.deepEqual(findProtectedClaims(JSON.parse('{"__proto__":1,"constructor":2,"prototype":3}')).length, 3)
  t.deepEqual(findProtectedClaims({ role: 'x', Sub: 'x', roles: [{ sub: 'nested' }] }), [])
  t.deepEqual(findProtectedClaims({ user_id: '42', sub: 'x' }, ['user_id']), ['sub'])
})
