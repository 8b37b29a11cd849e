import test from 'ava'
import fc from 'fast-check'
import { explainJsonError } from '../../../../src/http/django/rest/json-error.ts'
import { decodeUtf8 } from '../../../../src/http/django/rest/utf8.ts'

/** What Django REST framework 3.16 on Python 3.11 said of each body, after `JSON parse error - `. */
const said: Readonly<Record<string, string>> = {
  '{': 'Expecting property name enclosed in double quotes: line 1 column 2 (char 1)',
  '{a:1}': 'Expecting property name enclosed in double quotes: line 1 column 2 (char 1)',
  '{"a":1,}': 'Expecting property name enclosed in double quotes: line 1 column 8 (char 7)',
  '[1,]': 'Expecting value: line 1 column 4 (char 3)',
  '{"a" 1}': "Expecting ':' delimiter: line 1 column 6 (char 5)",
  '{"a"': "Expecting ':' delimiter: line 1 column 5 (char 4)",
  '{"a":1 "b"}': "Expecting ',' delimiter: line 1 column 8 (char 7)",
  '{"a":1': "Expecting ',' delimiter: line 1 column 7 (char 6)",
  '[1': "Expecting ',' delimiter: line 1 column 3 (char 2)",
  '[': 'Expecting value: line 1 column 2 (char 1)',
  '{"a":': 'Expecting value: line 1 column 6 (char 5)',
  '{"a":tru}': 'Expecting value: line 1 column 6 (char 5)',
  '{"a":\n\n x}': 'Expecting value: line 3 column 2 (char 8)',
  '   ': 'Expecting value: line 1 column 4 (char 3)',
  nul: 'Expecting value: line 1 column 1 (char 0)',
  '-': 'Expecting value: line 1 column 1 (char 0)',
  '01': 'Extra data: line 1 column 2 (char 1)',
  '1e': 'Extra data: line 1 column 2 (char 1)',
  '1 2': 'Extra data: line 1 column 3 (char 2)',
  '"😀" 2': 'Extra data: line 1 column 5 (char 4)',
  '"abc': 'Unterminated string starting at: line 1 column 1 (char 0)',
  '"a\nb"': 'Invalid control character at: line 1 column 3 (char 2)',
  '"\\x"': 'Invalid \\escape: line 1 column 2 (char 1)',
  '"\\u12"': 'Invalid \\uXXXX escape: line 1 column 3 (char 2)',
  '"\\ud83d\\u"': 'Invalid \\uXXXX escape: line 1 column 9 (char 8)',
  NaN: "Out of range float values are not JSON compliant: 'NaN'",
  '{"a":Infinity}': "Out of range float values are not JSON compliant: 'Infinity'",
  '{"a":-Infinity}': "Out of range float values are not JSON compliant: '-Infinity'",
  '\ufeff{}': 'Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)',
}

test('a body that is no JSON is told in the words of Python', (t) => {
  for (const [text, message] of Object.entries(said)) t.is(explainJsonError(text), message, text)
})

test('there is a mistake to tell of exactly where JSON.parse finds one', (t) => {
  const parts = fc.constantFrom(
    ...'{}[]":, \n\\u10-.eE',
    'null',
    'true',
    '"a"',
    '"key":',
    '\\n',
    'd83d',
    '😀',
  )
  const check = (text: string) => {
    try {
      JSON.parse(text)
      t.is(explainJsonError(text), 'The body could not be read.', text)
    } catch {
      t.not(explainJsonError(text), 'The body could not be read.', text)
    }
  }
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (chosen) => check(chosen.join(''))),
    { numRuns: 2_000 },
  )
  fc.assert(fc.property(fc.json(), check), { numRuns: 300 })
})

test('nothing that fits into a body keeps it busy or overflows', (t) => {
  for (const part of ['[', '{"a":', '[1,', '"\\\\', ' ', '-', '1', '"a",']) {
    for (const length of [4_000, 65_536])
      t.is(typeof explainJsonError(part.repeat(length / part.length)), 'string')
  }
})

test('bytes that are no UTF-8 are told as Python tells them', (t) => {
  const problems = {
    ff7b7d: "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    '7b2261223a22c3227d': "'utf-8' codec can't decode byte 0xc3 in position 6: invalid continuation byte",
    e28241: "'utf-8' codec can't decode bytes in position 0-1: invalid continuation byte",
    eda080: "'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte",
    '20c0af': "'utf-8' codec can't decode byte 0xc0 in position 1: invalid start byte",
  }
  for (const [hex, problem] of Object.entries(problems)) {
    t.deepEqual(decodeUtf8(Buffer.from(hex, 'hex')), { ok: false, problem })
  }
  t.deepEqual(decodeUtf8(Buffer.from('7be282', 'hex')), { ok: true, text: '{' })
  t.deepEqual(decodeUtf8(Buffer.from('ä😀')), { ok: true, text: 'ä😀' })
})
