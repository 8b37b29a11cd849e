import test from 'ava'
import { runRotation } from './rotation-run.ts'

// The short form; `npm run faults:rotation` runs for a minute.
test('no token fails to verify while two servers rotate their keys every few seconds (row 26)', async (t) => {
  const figures = await runRotation(12, 1)
  t.log(figures)
  t.deepEqual(figures.firstFailures, [])
  t.is(figures.tokensThatFailed, 0)
  t.is(figures.requestsRefused, 0)
  t.is(figures.orphanFiles, 0)
  t.true(figures.kidsThatSigned >= 3)
  t.true(figures.failuresOfTheControl > 0, 'a verifier that caches for too long does fail')
})
