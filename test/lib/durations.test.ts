import test from 'ava'
import fc from 'fast-check'
import { day, formatDuration, hour, minute, parseDuration, second } from '../../src/lib/durations.ts'

test('a duration is a whole number and a unit', (t) => {
  t.is(parseDuration('500ms'), 500)
  t.is(parseDuration('10s'), 10 * second)
  t.is(parseDuration('15m'), 15 * minute)
  t.is(parseDuration('12h'), 12 * hour)
  t.is(parseDuration('7d'), 7 * day)
  t.is(parseDuration('0s'), 0)
  for (const text of [
    '',
    '10',
    's',
    '1.5h',
    '-1s',
    '+1s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1w',
    '1m30s',
    '1e3s',
    '١s',
    '1s\n',
  ]) {
    t.is(parseDuration(text), undefined, JSON.stringify(text))
  }
})

test('what was written is read back to the same milliseconds', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.nat(9_999_999_999),
        fc.nat(1_000).map((days) => days * day),
      ),
      (milliseconds) => {
        t.is(parseDuration(formatDuration(milliseconds)), milliseconds)
      },
    ),
  )
  t.is(formatDuration(90 * minute), '90m')
  t.is(formatDuration(day), '1d')
})
