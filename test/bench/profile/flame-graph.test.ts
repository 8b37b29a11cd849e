import test from 'ava'
import { drawFlameGraph } from '../../../bench/profile/flame-graph.ts'

function node(id: number, functionName: string, children: number[] = []) {
  const callFrame = { functionName, url: '', scriptId: '0', lineNumber: 0, columnNumber: 0 }
  return { id, callFrame, children }
}

const drawn = drawFlameGraph(
  {
    nodes: [
      node(1, '(root)', [2, 5]),
      node(2, 'serve', [3, 4]),
      node(3, 'sign'),
      node(4, '<anonymous> & "co"'),
      node(5, '(idle)'),
    ],
    startTime: 0,
    endTime: 10_000,
    samples: [3, 4, 5],
    timeDeltas: [0, 3_000, 1_000, 6_000],
  },
  'before <b> & after',
)
const widths = new Map(
  [...drawn.matchAll(/<g><title>(.*?): [\d.]+ %<\/title><rect [^>]*width="([\d.]+)"/g)].map(
    ([, name = '', width]) => [name.trim(), Number(width)],
  ),
)

test('frames are as wide as their time, and those of callees add up to that of their caller', (t) => {
  const [all, serve, sign, other] = [...widths.values()]
  t.is(all, serve)
  t.is(all, (sign ?? 0) + (other ?? 0))
  t.is(sign, 3 * (other ?? 0))
})

test('idle time is left out', (t) => {
  t.is(widths.size, 4)
  t.false(drawn.includes('(idle)'))
})

test('names and the title are escaped', (t) => {
  t.true(drawn.includes('<title>before &lt;b&gt; &amp; after</title>'))
  t.true(drawn.includes('&lt;anonymous&gt; &amp; &quot;co&quot;'))
  t.false(drawn.includes('<anonymous>'))
})
