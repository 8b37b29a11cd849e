import test from 'ava'
import { killWhileSealing } from '../faults/mark-run.ts'

test('kill -9 between a commit, its seal and the mark is no old database, and breaks no chain', async (t) => {
  const result = await killWhileSealing({ kills: 6, clients: 3 })
  t.is(result.kills, 6)
  t.true(result.changes >= 6)
  t.log(`${result.unsealed} kills left rows unsealed, ${result.behind} the mark behind`)
  t.is(result.falseAlarms, 0)
  t.is(result.findings, 0)
})
