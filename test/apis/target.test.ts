import test from 'ava'
import fc from 'fast-check'
import { ApiCatalogue } from '../../src/apis/api-catalogue.ts'
import { chooseTarget, grantScopes, Targets } from '../../src/apis/target.ts'
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
const issuer = 'https://issuer.example'
const targetsOf = (
  audiences: readonly string[] | null,
  scopes: readonly string[] | null,
  known: readonly ApiRecord[] = apis,
) => new Targets({ audiences, scopes }, new ApiCatalogue(known), issuer)
const scopesAt = (targets: Targets) =>
  ['orders', 'billing', 'gone', issuer].map((audience) => targets.find(audience)?.scopes)

test('security 7: a client reaches the audiences it is registered for, the first being its default', (t) => {
  const both = [['read', 'write'], ['read', 'invoice'], undefined, undefined]
  t.deepEqual(scopesAt(targetsOf(['billing', 'orders'], null)), both)
  t.is(targetsOf(['billing', 'orders'], null).first?.audience, 'billing')
  t.deepEqual(scopesAt(targetsOf(null, null)), both)
  t.is(targetsOf(null, null).first?.audience, 'orders')
  t.deepEqual(scopesAt(targetsOf(['billing'], null)), [undefined, ['read', 'invoice'], undefined, undefined])
})

test('security 7: it has there what both it and the API have', (t) => {
  t.deepEqual(scopesAt(targetsOf(null, ['write', 'read', 'unknown'])).slice(0, 2), [
    ['read', 'write'],
    ['read'],
  ])
  t.deepEqual(targetsOf(['orders'], []).first?.scopes, [])
  t.is(targetsOf(null, ['read']).findWith(['invoice']), undefined)
})

test('security 7: an audience whose API is gone is gone, and no audience is none', (t) => {
  t.is(targetsOf(['gone', 'orders'], null).first?.audience, 'orders')
  for (const audiences of [['gone'], []]) {
    const targets = targetsOf(audiences, null)
    t.is(targets.first, undefined)
    t.deepEqual(scopesAt(targets), [undefined, undefined, undefined, undefined])
  }
})

test('security 7: without any API the audience is the issuer, but only for a client that is open to all', (t) => {
  const alone = targetsOf(null, ['a'], [])
  t.deepEqual(scopesAt(alone), [undefined, undefined, undefined, ['a']])
  t.is(alone.first?.audience, issuer)
  t.is(alone.findWith(['b']), undefined)
  for (const audiences of [[], ['gone'], [issuer]]) {
    const none = targetsOf(audiences, ['a'], [])
    t.is(none.first, undefined)
    t.is(none.find(issuer), undefined)
    t.is(none.findOfSession(issuer), undefined)
  }
})

test('a session for the issuer itself goes on when the first API comes, and no new token is for it', (t) => {
  t.deepEqual(targetsOf(null, ['a']).findOfSession(issuer)?.scopes, ['a'])
  t.is(targetsOf(null, ['a']).find(issuer), undefined)
  t.is(targetsOf(['orders'], ['a']).findOfSession(issuer), undefined)
  t.is(targetsOf(null, null).findOfSession('orders')?.audience, 'orders')
})

test('security 7: looking up chooses as walking along all that are open would', (t) => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const known = fc
    .array(fc.tuple(fc.constantFrom(...names), fc.subarray(['r', 'w', 'x'])), { maxLength: 5 })
    .map((pairs) => [...new Map(pairs)].map(([audience, scopes]) => api(audience, scopes)))
  const some = (of: readonly string[]) => fc.option(fc.shuffledSubarray([...of]), { nil: null })
  fc.assert(
    fc.property(
      known,
      some(names),
      some(['r', 'w', 'x']),
      some(['r', 'w', 'x']),
      (all, audiences, own, asked) => {
        const open = (audiences ?? all.map(({ audience }) => audience))
          .flatMap((audience) => all.find((each) => each.audience === audience) ?? [])
          .map(({ audience, scopes }) => ({
            audience,
            scopes: scopes.filter((scope) => own?.includes(scope) ?? true),
          }))
        const targets = targetsOf(audiences, own, all)
        if (audiences === null && all.length === 0) {
          t.is(targets.first?.audience, issuer)
          return
        }
        const walked = open.find(({ scopes }) => isWithin(asked ?? [], scopes)) ?? open[0]
        const found = targets.findWith(asked ?? []) ?? targets.first
        t.deepEqual(found && { audience: found.audience, scopes: found.scopes }, walked)
        for (const name of names) {
          const target = targets.find(name)
          t.deepEqual(target?.scopes, open.find(({ audience }) => audience === name)?.scopes)
        }
      },
    ),
  )
})

const targets = targetsOf(['orders', 'billing'], null)

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
  t.throws(() => chooseTarget(targetsOf([], null), undefined, undefined), { instanceOf: InvalidTargetError })
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
