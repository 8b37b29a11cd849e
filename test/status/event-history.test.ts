import test from 'ava'
import { changeFrame } from '../../src/status/event-frames.ts'
import { EventHistory } from '../../src/status/event-history.ts'

const frame = (version: number) => Buffer.from(String(version))
const texts = (frames: readonly Buffer[] | undefined) => frames?.map(String)

test('what came after a version, or nothing where some of it is gone', (t) => {
  const history = new EventHistory()
  t.deepEqual(history.since(7, 7), [])
  t.is(history.since(6, 7), undefined)
  for (const version of [8, 9, 10]) history.add(version, frame(version))
  t.deepEqual(texts(history.since(7, 10)), ['8', '9', '10'])
  t.deepEqual(texts(history.since(9, 10)), ['10'])
  t.deepEqual(history.since(10, 10), [])
  t.is(history.since(6, 10), undefined)
  t.is(history.since(11, 10), undefined)
  history.add(12, frame(12))
  t.is(history.since(10, 12), undefined, 'after a gap what came before it is of no use')
  t.deepEqual(texts(history.since(11, 12)), ['12'])
})

test('it is bounded, by count and by bytes', (t) => {
  const many = new EventHistory()
  for (let version = 1; version <= 30_000; version++) many.add(version, frame(version))
  t.is(many.since(1, 30_000), undefined)
  t.true((many.since(29_000, 30_000)?.length ?? 0) === 1_000)
  const large = new EventHistory()
  for (let version = 1; version <= 30; version++) large.add(version, Buffer.alloc(1_000_000))
  t.is(large.since(10, 30), undefined)
  t.is(large.since(29, 30)?.length, 1)
})

test('a frame that is kept keeps no memory but its own', (t) => {
  const kept = changeFrame('epo', { version: 1, change: { kind: 'retired', list: 'lst_1' } }, 'https://i/')
  t.is(kept.buffer.byteLength, kept.length)
  t.true(kept.toString().endsWith('\n\n'))
})
