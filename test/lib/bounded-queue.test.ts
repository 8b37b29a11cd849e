import test from 'ava'
import { BoundedQueue } from '../../src/lib/bounded-queue.ts'
import { OverloadedError } from '../../src/lib/overloaded-error.ts'

/** A queue whose time stands still until it is moved, and whose first piece of work lasts until `finish`. */
function open(options: { length?: number; patience?: number | undefined } = {}) {
  let now = 0
  const shed: string[] = []
  const queue = new BoundedQueue({
    places: 1,
    length: 64,
    patience: 1_000,
    ...options,
    onShed: (reason) => shed.push(reason),
    now: () => now,
  })
  const begun: string[] = []
  const finishing: (() => void)[] = []
  const add = (name: string, signal?: AbortSignal) => {
    const work = () => {
      begun.push(name)
      return new Promise<void>((resolve) => finishing.push(resolve))
    }
    return queue.run(work, signal).then(
      () => 'done',
      (error) => {
        if (error instanceof OverloadedError) return error.reason
        throw error
      },
    )
  }
  return {
    queue,
    add,
    begun,
    shed,
    pass(milliseconds: number) {
      now += milliseconds
    },
    /** Ends what is under way and lets the next begin. */
    async finish() {
      finishing.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('row 17: a wave that passes is served in the order in which it came', async (t) => {
  const { add, begun, finish, pass } = open()
  const all = ['a', 'b', 'c', 'd'].map((name) => add(name))
  for (const _ of all) {
    pass(300)
    await finish()
  }
  t.deepEqual(begun, ['a', 'b', 'c', 'd'])
  t.deepEqual(await Promise.all(all), ['done', 'done', 'done', 'done'])
})

test('row 17: what has waited too long is not begun', async (t) => {
  const { add, begun, finish, pass, shed } = open()
  const first = add('first')
  const late = add('late')
  pass(1_001)
  await finish()
  t.is(await late, 'late')
  t.is(await first, 'done')
  t.deepEqual(begun, ['first'])
  t.deepEqual(shed, ['late'])
})

test('row 17: nobody waits for a place to become free to be told that it is too late', async (t) => {
  const { add, begun, pass } = open({ patience: 20 })
  void add('never ends')
  const late = add('late')
  pass(21)
  t.is(await late, 'late')
  t.deepEqual(begun, ['never ends'])
})

test('row 17: in a crowd that stays, who came last is served and the others are soon told to come again', async (t) => {
  const { add, begun, finish, pass } = open()
  const outcomes = [add('first')]
  // Somebody is always waiting, for longer than anybody may.
  for (const name of ['b', 'c', 'd']) {
    outcomes.push(add(name))
    pass(600)
    if (name !== 'd') await finish()
  }
  outcomes.push(add('old'))
  pass(201)
  outcomes.push(add('new'), add('newest'))
  await finish()
  await finish()
  await finish()
  t.deepEqual(await Promise.all(outcomes), ['done', 'done', 'done', 'late', 'late', 'done', 'done'])
  t.deepEqual(begun, ['first', 'b', 'c', 'newest', 'new'])
})

test('row 17: past its length a queue refuses at once, and takes more when somebody was served', async (t) => {
  const { queue, add, finish, shed } = open({ length: 1 })
  const served = [add('a'), add('b')]
  t.true(queue.isFull)
  t.is(await add('c'), 'full')
  await finish()
  t.false(queue.isFull)
  served.push(add('d'))
  await finish()
  await finish()
  t.deepEqual(await Promise.all(served), ['done', 'done', 'done'])
  t.deepEqual(shed, ['full'])
})

test('row 17: who goes away while waiting leaves the queue; who goes later changes nothing', async (t) => {
  const { queue, add, begun, finish } = open()
  const [gone, stays, early] = [new AbortController(), new AbortController(), new AbortController()]
  const first = add('first', stays.signal)
  const second = add('second', gone.signal)
  t.is(queue.length, 1)
  gone.abort()
  t.is(await second, 'gone')
  t.is(queue.length, 0)
  stays.abort()
  early.abort()
  t.is(await add('third', early.signal), 'gone')
  await finish()
  t.is(await first, 'done')
  t.deepEqual(begun, ['first'])
})

test('without a limit of time whatever waits is done in the end', async (t) => {
  const { add, finish, pass } = open({ patience: undefined })
  const all = [add('a'), add('b')]
  pass(1_000_000_000)
  await finish()
  await finish()
  t.deepEqual(await Promise.all(all), ['done', 'done'])
})

test('who is refused is told whole seconds of its own, so that a herd does not come back at once', async (t) => {
  const queue = new BoundedQueue({ places: 0, length: 0, patience: 5_000 })
  const told = await Promise.all(
    Array.from({ length: 200 }, () => queue.run(async () => 0).catch((error) => error.retryAfterSeconds)),
  )
  t.deepEqual([...new Set(told)].sort(), [1, 2, 3, 4, 5])
})
