import test from 'ava'
import { LineRelay } from '../../src/cli/line-relay.ts'

test('lines of several processes stay whole, in whatever pieces they come', (t) => {
  const written: string[] = []
  const write = (lines: string) => void written.push(lines)
  const [one, other] = [new LineRelay(write), new LineRelay(write)]
  one.take('{"event":"a"')
  other.take('{"event":"b"}\n{"ev')
  one.take(',"n":1')
  one.take('}\n')
  other.take('ent":"c"}\n')
  t.is(written.join(''), '{"event":"b"}\n{"event":"a","n":1}\n{"event":"c"}\n')
  for (const lines of written) t.true(lines.endsWith('\n'))
})

test('what is left of a line of a process that was killed is not passed on', (t) => {
  const written: string[] = []
  const relay = new LineRelay((lines) => void written.push(lines))
  relay.take('{"event":"a"}\n{"event":')
  t.deepEqual(written, ['{"event":"a"}\n'])
})
