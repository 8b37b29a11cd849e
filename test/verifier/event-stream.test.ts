import { EventStreamReader } from '@mintage/verifier/event-stream'
import test from 'ava'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'

interface Seen {
  readonly type: string
  readonly data: string
  readonly id: string | undefined
}

/** Bytes in pieces that end wherever they end, also within a character. */
function cut(bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  const pieces: Uint8Array[] = []
  let at = 0
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return [...pieces, bytes.subarray(at)]
}

function readOurs(pieces: readonly Uint8Array[]): readonly Seen[] {
  const reader = new EventStreamReader()
  return pieces.flatMap((piece) => reader.read(piece)).map(({ type, data, id }) => ({ type, data, id }))
}

function readTheirs(text: string): readonly Seen[] {
  const seen: Seen[] = []
  const parser = createParser({
    onEvent: ({ event = 'message', data, id }) => seen.push({ type: event, data, id }),
  })
  parser.feed(text)
  return seen
}

const value = fc.string({
  unit: fc.constantFrom('a', 'b', ' ', ':', '1', '.', '{', '"', 'é', '😀', '\u2028'),
  maxLength: 8,
})
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('data', 'event', 'id'), fc.constantFrom(':', ': '), value)
      .map((all) => all.join('')),
  },
  { weight: 3, arbitrary: fc.constant('') },
  value.map((text) => `:${text}`),
  fc.constantFrom('data', 'retry: 10', 'other: x', 'data ', 'DATA: x'),
)
const ending = fc.constantFrom('\n', '\r\n', '\r')

test('it reads a stream as eventsource-parser does, however it is cut', (t) => {
  let events = 0
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 30 }),
      ending,
      fc.array(fc.nat({ max: 9 }), { maxLength: 40 }),
      (lines, end, sizes) => {
        const text = lines.map((each) => each + end).join('')
        const ours = readOurs(cut(new TextEncoder().encode(text), sizes))
        // The other one waits after a final carriage return for the line feed that may follow.
        const theirs = readTheirs(end === '\r' ? `${text}:\r:\n` : text)
        events += ours.length
        t.deepEqual(ours, theirs)
      },
    ),
    { numRuns: 1_000 },
  )
  t.true(events > 100, String(events))
})

test('a byte order mark is dropped, NUL in an id ignored, retry kept', (t) => {
  const reader = new EventStreamReader()
  const bytes = new TextEncoder().encode('\ufeffid: a\0b\nretry: 2500\nretry: x\ndata: 1\n\n')
  t.deepEqual([...reader.read(bytes)], [{ type: 'message', data: '1', id: undefined }])
  t.is(reader.retry, 2_500)
})

test('neither a line nor an event can fill the memory', (t) => {
  const long = new TextEncoder().encode('x'.repeat(60))
  const endless = new EventStreamReader(100)
  endless.read(long)
  t.throws(() => endless.read(long), { instanceOf: RangeError })
  const many = new EventStreamReader(100)
  const lines = new TextEncoder().encode('data: 12345678901234567890\n')
  t.throws(
    () => {
      for (let at = 0; at < 10; at++) many.read(lines)
    },
    { instanceOf: RangeError },
  )
})
