import test from 'ava'
import { plot, summarise } from './endurance-report.ts'
import type { Sample } from './endurance-run.ts'

const megabyte = 2 ** 20

/** An hour, a sample each ten seconds, 30 MB more in the first ten minutes and then `growth` megabytes in each. */
function hour(growth: number): readonly Sample[] {
  return Array.from({ length: 361 }, (_, i) => {
    const at = i * 10
    const resident = at < 600 ? 90 + at / 20 : 120 + ((at - 600) / 600) * growth
    // Collections of garbage come and go.
    const noise = i % 6 === 0 ? 2 : -0.4
    const p99 = at < 1_800 ? 20 : 30
    return {
      at,
      resident: (resident + noise) * megabyte,
      descriptors: 60 + (i % 2),
      requests: 400,
      p50: 2,
      p99,
    }
  })
}

test('the slope is that after the warm-up, whatever the noise', (t) => {
  const flat = summarise(hour(0))
  t.is(flat.warmUp, 600)
  t.true(Math.abs(flat.slope) < 0.1, String(flat.slope))
  const growing = summarise(hour(1.5))
  t.true(Math.abs(growing.slope - 1.5) < 0.1, String(growing.slope))
  t.true(growing.residentAfter - growing.residentBefore > 6)
})

test('what the beginning and the end were like stands beside it', (t) => {
  const { p50, p99, descriptorsBefore, descriptorsAfter } = summarise(hour(0))
  t.deepEqual(p50, [2, 2])
  t.deepEqual(p99, [20, 30])
  t.true(Math.abs(descriptorsBefore - descriptorsAfter) <= 1)
})

test('too few samples are no figure', (t) => {
  t.throws(() => summarise(hour(0).slice(0, 2)), { instanceOf: RangeError })
})

test('the plot is one small picture, its title escaped', (t) => {
  const drawn = plot(hour(0), 'load < 50 & more')
  t.regex(drawn, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+"/)
  t.true(drawn.includes('load &lt; 50 &amp; more'))
  t.is(drawn.match(/<polyline/g)?.length, 5)
  t.notRegex(drawn, /NaN|Infinity|undefined/)
})
