import test from 'ava'
import { percentile, spread } from '../../bench/statistics.ts'

test('a percentile lies between its neighbours, whatever the order of the values', (t) => {
  t.is(percentile([3, 1, 2], 0.5), 2)
  t.is(percentile([4, 1, 3, 2], 0.5), 2.5)
  t.is(percentile([10, 0], 0.99), 9.9)
  t.is(percentile([7], 0.99), 7)
  t.throws(() => percentile([], 0.5), { instanceOf: RangeError })
})

test('a spread is the median and the ends', (t) => {
  t.deepEqual(spread([5, 1, 9]), { median: 5, least: 1, most: 9 })
})
