import { InvalidTokenError, maxTokenLength } from '@mintage/verifier/jws'
import test from 'ava'
import { encodePart, forge, goodHeader, read, refuses, signInput } from './token-forge.ts'

const payload = { sub: 'somebody' }
const good = forge(goodHeader, payload)
const [goodH = '', goodP = '', goodS = ''] = good.split('.')

test('row 31: base64url is canonical in every part', (t) => {
  const parts = [goodH, goodP, goodS]
  for (const index of parts.keys()) {
    const part = parts[index] ?? ''
    const damaged = [
      ...[
        `${part}=`,
        `${part}==`,
        ` ${part}`,
        `${part} `,
        `${part}\n`,
        `${part}\r\n`,
        `${part}\t`,
        `${part}\0`,
      ],
      ...[`${part.slice(0, 5)}\n${part.slice(5)}`, `${part.slice(0, 5)}*${part.slice(5)}`],
      ...[`${part}A`, `${part}\u00e9`, `${part}\u{1f600}`, `${part.slice(0, -1)}+`, `${part.slice(0, -1)}/`],
    ]
    for (const wrong of damaged) {
      const token = parts.map((other, place) => (place === index ? wrong : other)).join('.')
      t.throws(() => read(token), { instanceOf: InvalidTokenError }, JSON.stringify(token))
    }
  }
})

test('row 31: loose trailing bits and padding are refused although the signature covers them', (t) => {
  // One byte is two characters, of which the second has four bits to spare.
  const loose = `${encodePart({ ...goodHeader, pad: '' })}.${Buffer.from('{"a":1}').toString('base64url')}`
  t.deepEqual(read(signInput(loose)), { a: 1 })
  t.true(loose.endsWith('Q'))
  refuses(t, signInput(`${loose.slice(0, -1)}R`), 'malformed')
  refuses(t, signInput(`${loose}==`), 'malformed')
  refuses(t, signInput(`${goodH.slice(0, 4)} ${goodH.slice(4)}.${goodP}`), 'malformed')
  refuses(t, signInput(`${goodH}=.${goodP}`), 'malformed')
})

test('row 31: the standard alphabet is refused although it decodes to the same bytes', (t) => {
  const bytes = Buffer.from('{"a":"\u00ff\u00fe~~~???"}')
  t.regex(bytes.toString('base64url'), /[-_]/)
  t.deepEqual(read(signInput(`${goodH}.${bytes.toString('base64url')}`)), JSON.parse(bytes.toString()))
  refuses(t, signInput(`${goodH}.${bytes.toString('base64').replace(/=+$/, '')}`), 'malformed')
})

test('row 32: a token over 16 KiB is refused before anything of it is read', (t) => {
  t.is(maxTokenLength, 16 * 1024)
  const room = maxTokenLength - goodH.length - goodS.length - 2
  const filler = 'x'.repeat(Math.floor(room / 4) * 3 - '{"a":""}'.length)
  const largest = forge(goodHeader, `{"a":"${filler}"}`)
  t.true(largest.length > maxTokenLength - 4 && largest.length <= maxTokenLength)
  t.deepEqual(read(largest), { a: filler })
  refuses(t, 'x'.repeat(maxTokenLength + 1), 'too_large')
  refuses(t, forge(goodHeader, `{"a":"${filler}xxx"}`), 'too_large')
})

test('row 32: duplicate members are refused at any depth, however they are written', (t) => {
  const header = '"alg":"RS256","kid":"key-1"'
  for (const extra of ['"alg":"RS256"', '"alg":"none"', '"\\u0061lg":"RS256"', '"jwk":{"e":1,"e":1}']) {
    refuses(t, forge(`{${header},${extra}}`, payload), 'malformed')
  }
  for (const wrong of [
    '{"sub":"a","sub":"a"}',
    '{"sub":"a","sub":"b"}',
    '{"sub":"a" , "s\\u0075b" : "b"}',
    '{"a":{"b":1,"b":1}}',
    '{"a":[0,[{"b":1,"c":2,"b":1}]]}',
    '{"":1,"":1}',
    '{"__proto__":1,"__proto__":2}',
    '{"1":1,"1":2}',
    '{"\u{1f600}":1,"\\ud83d\\ude00":2}',
  ]) {
    refuses(t, forge(goodHeader, wrong), 'malformed')
  }
})

test('row 32: colons, quotes and backslashes inside strings are no members', (t) => {
  for (const text of [
    '{"a":"https://b:c","d:e":":","f":"\\":\\"","g":"\\\\","h":"\\\\\\":"}',
    '{"a:\\"b\\":c":{"x":["\\\\",":",{":":":"}]}}',
    '{ }',
    '\n{ "a"\t:\r\n[ {} , [ ] , "\\u0022:" ] }\n',
    '{"a":{"b":1},"c":{"b":1}}',
  ]) {
    t.deepEqual(read(forge(goodHeader, text)), JSON.parse(text))
  }
})

test('row 32: __proto__ and constructor are members like any other and pollute nothing', (t) => {
  const claims = read(
    forge(goodHeader, '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  )
  t.is(Object.getPrototypeOf(claims), Object.prototype)
  t.false('polluted' in claims)
  t.false('polluted' in {})
  refuses(t, forge('{"__proto__":{"alg":"RS256","kid":"key-1"}}', payload), 'unsupported_algorithm')
  t.deepEqual(read(forge({ ...goodHeader, kid: '__proto__' }, payload)), payload)
})

test('row 32: broken UTF-8 and a byte order mark are refused', (t) => {
  const around = (bytes: number[]) =>
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])
  for (const bytes of [
    ...[[0xff], [0xc3], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]],
    ...[[0x80], [0xf0, 0x9f, 0x98]],
  ]) {
    refuses(t, forge(goodHeader, around(bytes)), 'malformed')
    refuses(t, forge(around(bytes), payload), 'malformed')
  }
  refuses(t, forge(goodHeader, Buffer.from('\ufeff{"a":1}')), 'malformed')
  t.deepEqual(read(forge(goodHeader, '{"a":"\\ud800"}')), { a: '\ud800' })
})

test('row 32: header and payload are JSON objects, nothing else', (t) => {
  for (const text of [
    '',
    '[]',
    'null',
    '1',
    '"a"',
    'true',
    '{',
    '{}{}',
    '{"a":1,}',
    "{'a':1}",
    '{"a":01}',
    '//',
  ]) {
    refuses(t, forge(goodHeader, text), 'malformed')
    refuses(t, forge(text, payload), 'malformed')
  }
})

test('row 32: the deepest nesting that fits is read without exhausting the stack', (t) => {
  const depth = 2_300
  t.notThrows(() => read(forge(goodHeader, `${'{"a":'.repeat(depth / 2)}1${'}'.repeat(depth / 2)}`)))
  t.notThrows(() => read(forge(goodHeader, `{"a":${'['.repeat(depth * 2)}${']'.repeat(depth * 2)}}`)))
})
