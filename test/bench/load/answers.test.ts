import test from 'ava'
import { readAnswer } from '../../../bench/load/answers.ts'

const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

test('the chunks of an answer are put together, and its end is found among what follows', (t) => {
  const whole = `${head}4\r\n{"a"\r\n3;note=x\r\n:1}\r\n0\r\n\r\n`
  const answer = readAnswer(`${whole}HTTP/1.1 503 `)
  t.deepEqual(answer, { status: 200, body: '{"a":1}', end: whole.length, closes: false })
})

test('a size of a chunk is hexadecimal, and trailers are skipped', (t) => {
  const whole = `${head}1a\r\n${'x'.repeat(26)}\r\n0\r\nExpires: never\r\n\r\n`
  const answer = readAnswer(whole)
  t.is(answer?.body, 'x'.repeat(26))
  t.is(answer?.end, whole.length)
})

test('an answer is missing until its last byte has arrived, wherever it is cut', (t) => {
  const answers = [
    `${head}4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n`,
    'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}',
  ]
  for (const whole of answers) {
    for (let length = 0; length < whole.length; length++) t.is(readAnswer(whole.slice(0, length)), undefined)
    t.is(readAnswer(whole)?.body, '{"a":1}')
  }
})

test('a server that closes the connection is believed', (t) => {
  t.true(readAnswer('HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')?.closes)
})

test('an answer whose end nobody could tell is an error', (t) => {
  t.throws(() => readAnswer('HTTP/1.1 200 OK\r\n\r\nhello'), { message: /neither/ })
  t.throws(() => readAnswer(`${head}what\r\n`), { message: /without a size/ })
})
