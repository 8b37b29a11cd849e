import test from 'ava'
import { minute } from '../../src/lib/durations.ts'
import { BudgetKeys, isCleared } from '../../src/limits/budget-keys.ts'
import { MemoryCounters } from '../../src/limits/counters.ts'

test('row 15: invented names push out invented names, and not one that is nearly used up', async (t) => {
  const counters = new MemoryCounters(100)
  for (let n = 0; n < 9; n++) await counters.take('user:victim', minute)
  for (let n = 0; n < 1_000; n++) await counters.take(`user:invented-${n}`, minute)
  t.is(counters.size, 100)
  t.is((await counters.take('user:victim', minute)).count, 10)
})

test('what is given back whole is forgotten, and what was forgotten has nothing to give back', async (t) => {
  const counters = new MemoryCounters(100)
  await counters.take('user:ada', minute)
  await counters.giveBack('user:ada', minute, Date.now() + minute)
  t.is(counters.size, 0)
  await counters.giveBack('user:ada', minute, Date.now() + minute)
  t.is((await counters.take('user:ada', minute)).count, 1)
})

test('row 15: a name is digested with a key, alike on every node, and with another key otherwise', (t) => {
  const secret = { id: 1, key: Buffer.alloc(32, 1) }
  const [one, two] = [new BudgetKeys(() => secret), new BudgetKeys(() => secret)]
  const other = new BudgetKeys(() => ({ id: 2, key: Buffer.alloc(32, 2) }))
  const ada = { kind: 'user', name: 'ada' } as const
  t.is(one.subject(ada), two.subject(ada))
  t.not(one.subject(ada), other.subject(ada))
  t.not(one.subject(ada), one.subject({ kind: 'client', name: 'ada' }))
  t.regex(one.subject(ada), /^user:[0-9a-f]{32}$/)
})

const cleared: readonly (readonly [key: string, network: string, isMeant: boolean])[] = [
  ['user@203.0.113.7', '203.0.113.0/24', true],
  ['user:00@203.0.113.7', '203.0.113.7', true],
  ['user@203.0.113.7#requests', '203.0.113.0/24', true],
  ['user@198.51.100.7', '203.0.113.0/24', false],
  ['user@2001:db8:0:1::/64', '2001:db8::/32', true],
  ['user@2001:db8:0:1::/64', '2001:db8:0:1::ffff', true],
  ['user@2001:db8:0:1::/64', '2001:db8:0:2::/64', false],
  ['user@203.0.113.7', '2001:db8::/32', false],
  ['user:00@local', '127.0.0.0/8', false],
  ['user:00', '203.0.113.0/24', false],
]

for (const [key, network, isMeant] of cleared) {
  test(`clearing ${network} ${isMeant ? 'takes' : 'leaves'} ${key}`, (t) => {
    t.is(isCleared(key, { what: 'network', network }), isMeant)
  })
}
