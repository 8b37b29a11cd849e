import test from 'ava'
import { stampede } from '../faults/stampede-run.ts'
import { refreshOverAndOver } from '../faults/storage-run.ts'

test('row 19: one token refreshed 400 times at once on two processes has one successor', async (t) => {
  const result = await stampede({ requests: 400, sockets: 200, nodes: 2, retryWindow: '1h' })
  t.deepEqual([...result.answers], [[200, 400]])
  t.is(result.successors.size, 1)
  t.is(result.generation, 1)
  t.false(result.ended)
})

test('500 refreshes over 20 sessions leave as many rows and bytes as there were', async (t) => {
  const { before, after, refreshes } = await refreshOverAndOver({ sessions: 20, rounds: 25 })
  t.is(refreshes, 500)
  t.is(before.rows['sessions'], 20)
  t.deepEqual(after.rows, before.rows)
  // An audit row of the logins may have been sealed meanwhile, which takes a page; 500 rows would take a dozen.
  t.true(Math.abs(after.bytes - before.bytes) <= 4_096, `${before.bytes} → ${after.bytes}`)
})
