import test from 'ava'
import { killWhileRefreshing } from '../faults/kill-run.ts'

test('row 19: kill -9 in the middle of refreshing loses no session and forks none', async (t) => {
  const result = await killWhileRefreshing({ kills: 5, clients: 6 })
  t.is(result.kills, 5)
  t.true(result.refreshed > 0)
  t.true(result.unanswered > 0)
  t.is(result.lost, 0)
  t.is(result.forked, 0)
  t.deepEqual([...result.otherAnswers], [])
})
