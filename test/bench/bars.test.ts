import test from 'ava'
import { drawBars } from '../../bench/bars.ts'

const drawn = drawBars(
  'slow <& "fast"',
  [
    {
      name: 'one & all',
      bars: [
        { name: 'bare', value: { median: 50, least: 40, most: 100 } },
        { name: '<us>', value: { median: 25, least: 20, most: 30 } },
      ],
    },
  ],
  1,
)

function read(pattern: RegExp): readonly number[] {
  return [...drawn.matchAll(pattern)].map(([, value]) => Number(value))
}

test('bars are as long as their medians, on one scale that begins at 0', (t) => {
  const [longer = 0, shorter] = read(/class="bar"[^>]*width="([\d.]+)"/g)
  t.true(longer > 0)
  t.is(longer, 2 * (shorter ?? 0))
})

test('a line reaches from the least to the most', (t) => {
  const [start = 0] = read(/class="bar" x="([\d.]+)"/g)
  const [length = 0] = read(/class="bar"[^>]*width="([\d.]+)"/g)
  const [from = 0] = read(/class="range" x1="([\d.]+)"/g)
  const [to = 0] = read(/class="range"[^>]*x2="([\d.]+)"/g)
  t.is(from, start + (length * 40) / 50)
  t.is(to, start + (length * 100) / 50)
  t.true(drawn.includes('>50.0 (40.0–100.0)</text>'))
})

test('what names contain is text, not markup', (t) => {
  t.true(drawn.includes('<title>slow &lt;&amp; &quot;fast&quot;</title>'))
  t.true(drawn.includes('>one &amp; all</text>'))
  t.true(drawn.includes('>&lt;us&gt;</text>'))
})

test('a page that is dark gets light text', (t) => {
  t.regex(drawn, /prefers-color-scheme: dark/)
})

test('nothing to draw is no reason to fail', (t) => {
  t.notRegex(drawBars('none', [], 0), /NaN|Infinity/)
})
