import test from 'ava'
import { hour, minute, second } from '../../src/lib/durations.ts'
import { Availability } from '../../src/store/availability.ts'

function begin() {
  let steady = 5_000
  const availability = new Availability({ steady: () => steady })
  const start = 1_700_000_000_000
  availability.begin(start)
  return {
    start,
    /** Lets time pass, and asks when the time of day has then become `now`. */
    since(passed: number, now: number): number {
      steady += passed
      return availability.servingSince(now)
    },
  }
}

test('time that passes moves nothing', (t) => {
  const { start, since } = begin()
  t.is(since(0, start), start)
  t.is(since(second, start + second), start)
  t.is(since(3 * hour, start + second + 3 * hour), start)
})

test('a clock that is put forward counts as an outage: nobody could use the time in between', (t) => {
  const { start, since } = begin()
  t.is(since(0, start), start)
  const jumped = start + hour + second
  t.is(since(second, jumped), jumped)
  t.is(since(minute, jumped + minute), jumped, 'From then on time passes again.')
})

test('a clock that is put back, or corrected a little, moves nothing', (t) => {
  const { start, since } = begin()
  t.is(since(0, start), start)
  t.is(since(second, start + second - hour), start)
  t.is(since(second, start + 2 * second - hour + 900), start)
})

test('an answer that took long is no clock that jumped', (t) => {
  let steady = 5_000
  const availability = new Availability({ steady: () => steady })
  const start = 1_700_000_000_000
  availability.begin(start)
  // The time was read at once, and came three seconds later.
  steady += 3 * second
  t.is(availability.servingSince(start, 5_000), start)
  // This one came at once, so it seems three seconds ahead of the other.
  t.is(availability.servingSince(start + 3 * second), start)
  // The time was read after three seconds in which the question was under way.
  steady += 3 * second
  t.is(availability.servingSince(start + 6 * second, steady - 3 * second), start)
  steady += second
  const jumped = start + minute
  t.is(availability.servingSince(jumped, steady), jumped)
})

test('a clock that jumps before the first redemption is seen', (t) => {
  const { start, since } = begin()
  t.is(since(second, start + hour), start + hour)
})

test('without a steady clock a jump is time that has passed', (t) => {
  const availability = new Availability({})
  availability.begin(1_000)
  t.is(availability.servingSince(2_000), 1_000)
  t.is(availability.servingSince(2_000 + hour), 1_000)
})

test('whoever asked for it is told that the database is back, once for each outage', (t) => {
  const availability = new Availability({})
  let told = 0
  const stop = availability.onReturn(() => told++)
  availability.succeeded(1_000)
  t.is(told, 0)
  availability.failed()
  availability.failed()
  availability.succeeded(2_000)
  availability.succeeded(3_000)
  t.is(told, 1)
  stop()
  availability.failed()
  availability.succeeded(4_000)
  t.is(told, 1)
})
