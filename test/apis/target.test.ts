import test from 'ava'
import fc from 'fast-check'
import { chooseTarget, grantScopes, listTargets } from '../../src/apis/target.ts'
import { InvalidScopeError, InvalidTargetError } from '../../src/protocol/errors.ts'
import { isWithin } from '../../src/protocol/scopes.ts'
import type { ApiRecord } from '../../src/store/api-table.ts'

const api = (audience: string, scopes: readonly string[]): ApiRecord => ({
  id: `api_${audience}`,
  audience,
  scopes,
  accessTokenTtl: null,
  typ: 'at+jwt',
  claimsPreset: 'rfc9068',
  introspectionClient: null,
  createdAt: 0,
  updatedAt: 0,
})
const orders = api('orders', ['read', 'write'])
const billing = api('billing', ['read', 'invoice'])
const apis = [orders, billing]
const list = (audiences: readonly string[] | null, scopes: readonly string[] | null) =>
  listTargets({ audiences, scopes }, apis, 'https://issuer.example').map(({ audience, scopes }) => [
    audience,
    scopes,
  ])

test('security 7: a client reaches its audiences in the order of its registration, the first being its default', (t) => {
  t.deepEqual(list(['billing', 'orders'], null), [
    ['billing', ['read', 'invoice']],
    ['orders', ['read', 'write']],
  ])
  t.deepEqual(list(null, null), [
    ['orders', ['read', 'write']],
    ['billing', ['read', 'invoice']],
  ])
})

test('security 7: it has there what both it and the API have', (t) => {
  t.deepEqual(list(null, ['write', 'read', 'unknown']), [
    ['orders', ['read', 'write']],
    ['billing', ['read']],
  ])
  t.deepEqual(list(['orders'], []), [['orders', []]])
})

test('security 7: an audience whose API is gone is gone, and no audience is none', (t) => {
  t.deepEqual(list(['gone', 'orders'], null), [['orders', ['read', 'write']]])
  t.deepEqual(list(['gone'], null), [])
  t.deepEqual(list([], null), [])
})

test('security 7: without any API the audience is the issuer, but only for a client that is open to all', (t) => {
  const issuer = 'https://issuer.example'
  const targets = listTargets({ audiences: null, scopes: ['a'] }, [], issuer)
  t.deepEqual(
    targets.map(({ audience, scopes }) => [audience, scopes]),
    [[issuer, ['a']]],
  )
  t.deepEqual(listTargets({ audiences: [], scopes: ['a'] }, [], issuer), [])
  t.deepEqual(listTargets({ audiences: ['gone'], scopes: ['a'] }, [], issuer), [])
})

const targets = listTargets({ audiences: ['orders', 'billing'], scopes: null }, apis, 'x')

const choices: readonly (readonly [
  resource: string | undefined,
  scopes: readonly string[] | undefined,
  audience: string,
])[] = [
  [undefined, undefined, 'orders'],
  [undefined, [], 'orders'],
  [undefined, ['read'], 'orders'],
  [undefined, ['invoice'], 'billing'],
  [undefined, ['invoice', 'read'], 'billing'],
  [undefined, ['invoice', 'write'], 'orders'],
  [undefined, ['unknown'], 'orders'],
  ['billing', undefined, 'billing'],
  ['billing', ['write'], 'billing'],
]
for (const [resource, scopes, audience] of choices) {
  test(`security 7: resource ${resource} and scopes ${scopes} choose ${audience}`, (t) => {
    t.is(chooseTarget(targets, resource, scopes).audience, audience)
  })
}

test('security 7: no audience, or another than the client’s, is invalid_target', (t) => {
  t.throws(() => chooseTarget(targets, 'elsewhere', undefined), { instanceOf: InvalidTargetError })
  t.throws(() => chooseTarget(targets, 'Orders', undefined), { instanceOf: InvalidTargetError })
  t.throws(() => chooseTarget([], undefined, undefined), { instanceOf: InvalidTargetError })
})

test('security 7: what is granted lies within the target, whatever is asked for', (t) => {
  const some = fc.option(fc.subarray(['read', 'write', 'invoice', 'unknown']), { nil: undefined })
  fc.assert(
    fc.property(fc.constantFrom(undefined, 'orders', 'billing'), some, (resource, requested) => {
      const target = chooseTarget(targets, resource, requested)
      if (requested && !isWithin(requested, target.scopes)) {
        t.throws(() => grantScopes(target, requested), { instanceOf: InvalidScopeError })
      } else t.deepEqual(grantScopes(target, requested), requested ?? target.scopes)
    }),
  )
})
