import test from 'ava'
import { WriteLock, waitForLock } from '../../src/store/sqlite-client.ts'

function busy(): never {
  throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' })
}

test('whoever comes when a lock has outlasted the deadline is not made to wait as long again', async (t) => {
  const lock = new WriteLock()
  let attempts = 0
  const attempt = () => {
    attempts++
    return busy()
  }
  await t.throwsAsync(waitForLock(attempt, lock), { name: 'StoreUnavailableError' })
  const first = attempts
  attempts = 0
  await t.throwsAsync(waitForLock(attempt, lock), { name: 'StoreUnavailableError' })
  t.true(attempts > 1 && attempts * 5 < first, `${first} attempts, then ${attempts}`)

  // Once it was had, the next one that is taken is waited for as the first was.
  t.is(await waitForLock(() => 'had', lock), 'had')
  attempts = 0
  const patient = await waitForLock(() => (++attempts > first / 2 ? 'had' : busy()), lock)
  t.is(patient, 'had')
})
