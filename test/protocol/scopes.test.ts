import test from 'ava'
import fc from 'fast-check'
import { InvalidScopeError } from '../../src/protocol/errors.ts'
import { formatScope, isWithin, parseScope, splitScope } from '../../src/protocol/scopes.ts'

const legal = Array.from({ length: 0x5e }, (_, index) => String.fromCharCode(0x21 + index)).filter(
  (character) => character !== '"' && character !== '\\',
)
const scope = fc.string({ unit: fc.constantFrom(...legal), minLength: 1 })

test('a list of scopes is read back as it was written, each once', (t) => {
  fc.assert(
    fc.property(fc.array(scope), (scopes) => {
      t.deepEqual(splitScope(formatScope(scopes)), [...new Set(scopes)])
      if (scopes.length > 0) t.deepEqual(parseScope(formatScope(scopes)), [...new Set(scopes)])
    }),
  )
})

test('any character but those of RFC 6749 §3.3 is refused', (t) => {
  for (let code = 0; code < 0x180; code++) {
    const character = String.fromCharCode(code)
    if (character === ' ' || legal.includes(character)) continue
    t.throws(() => parseScope(`a${character}b`), { instanceOf: InvalidScopeError }, String(code))
  }
  t.throws(() => parseScope('🔑'), { instanceOf: InvalidScopeError })
})

test('case counts, and nothing is within nothing', (t) => {
  t.deepEqual(parseScope('a A'), ['a', 'A'])
  t.false(isWithin(['A'], ['a']))
  t.true(isWithin([], []))
  t.true(isWithin([], ['a']))
  t.false(isWithin(['a'], []))
  t.false(isWithin(['toString'], []))
})

test('security 7: a blank scope is refused, since only an omitted one means the default', (t) => {
  for (const blank of ['', ' ', '   ']) t.throws(() => parseScope(blank), { instanceOf: InvalidScopeError })
  t.deepEqual(splitScope(''), [])
})
