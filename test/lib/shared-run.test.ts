import test from 'ava'
import { SharedRun } from '../../src/lib/shared-run.ts'

/** Work that ends when it is told to, and what became of it. */
function startScene() {
  const ends: { resolve(): void; reject(error: Error): void }[] = []
  const run = new SharedRun(() => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })))
  /** Lets whatever was queued begin. */
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { run, ends, settle }
}

test('calls while a run is under way share the next one, which begins when it has ended', async (t) => {
  const { run, ends, settle } = startScene()
  const first = run.run()
  await settle()
  const [second, third] = [run.run(), run.run()]
  t.is(second, third)
  t.not(first, second)
  await settle()
  t.is(ends.length, 1)
  ends[0]?.resolve()
  await first
  await settle()
  t.is(ends.length, 2)
  ends[1]?.resolve()
  await Promise.all([second, third])
})

test('a run that fails is told to those who shared it, and the next one begins all the same', async (t) => {
  const { run, ends, settle } = startScene()
  const failing = run.run()
  await settle()
  const next = run.run()
  ends[0]?.reject(new Error('no database'))
  await t.throwsAsync(failing, { message: 'no database' })
  await settle()
  ends[1]?.resolve()
  await t.notThrowsAsync(next)
  await t.notThrowsAsync(run.settled())
})
