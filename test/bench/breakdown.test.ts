import test from 'ava'
import { breakDown } from '../../bench/profile/breakdown.ts'

/** `[function, url]` from the root to the top of the stack; each is the only child of the one before. */
function chain(first: number, frames: readonly (readonly [string, string])[]) {
  return frames.map(([functionName, url], index) => ({
    id: first + index,
    callFrame: { functionName, url, scriptId: '0', lineNumber: 0, columnNumber: 0 },
    children: index + 1 < frames.length ? [first + index + 1] : [],
  }))
}

test('time counts for whose code ran, and for who wanted it', (t) => {
  const { busy, self, onBehalf, functions } = breakDown({
    nodes: [
      ...chain(1, [
        ['issue', 'file:///h/dist/src/tokens/mint.js'],
        ['sign', 'node:internal/crypto/sig'],
        ['run', ''],
      ]),
      ...chain(10, [['respond', 'file:///h/node_modules/koa/lib/application.js']]),
      ...chain(20, [['(idle)', '']]),
    ],
    startTime: 0,
    endTime: 6_000,
    samples: [3, 10, 20, 20],
    timeDeltas: [0, 3_000, 1_000, 2_000],
  })
  t.is(busy, 4)
  t.deepEqual(self, [
    { name: 'node:internal/crypto', time: 3 },
    { name: 'koa', time: 1 },
  ])
  t.deepEqual(onBehalf, [
    { name: 'src/tokens', time: 3 },
    { name: 'koa', time: 1 },
  ])
  t.deepEqual(functions, [
    { name: 'src/tokens mint.js issue:1', time: 3 },
    { name: 'koa application.js respond:1', time: 1 },
  ])
})
