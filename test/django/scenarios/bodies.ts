import { asForm, asJson, type Endpoint, type Family, json, type Scenario, single } from '../scenario.ts'

const boundary = 'x-boundary-x'
const multipart = { 'Content-Type': `multipart/form-data; boundary=${boundary}` } as const

function parts(fields: Readonly<Record<string, string>>, disposition = ''): string {
  const each = Object.entries(fields).map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${disposition}\r\n\r\n${value}\r\n`,
  )
  return `${each.join('')}--${boundary}--\r\n`
}

const form = (fields: Readonly<Record<string, string>>) =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${/^\{\w+\}$/.test(value) ? value : encodeURIComponent(value)}`)
    .join('&')

/** Content types, each around the same good fields. */
function contentTypes({
  fields,
}: Endpoint): readonly (readonly [name: string, type: string | undefined, body: string | Buffer])[] {
  const good = json(fields)
  return [
    ['JSON', 'application/json', good],
    ['JSON with a charset', 'application/json; charset=utf-8', good],
    ['JSON with a charset in capitals and quotes', 'application/json; charset="UTF-8"', good],
    ['JSON with a charset nobody knows', 'application/json; charset=klingon', good],
    ['JSON that says latin1', 'application/json; charset=iso-8859-1', good],
    ['JSON with another parameter', 'application/json; profile=x', good],
    ['JSON with an empty parameter', 'application/json;', good],
    ['JSON in capitals', 'APPLICATION/JSON', good],
    ['JSON with spaces around', ' application/json ', good],
    ['JSON as another type of JSON', 'application/vnd.api+json', good],
    ['JSON as text/json', 'text/json', good],
    ['JSON as text', 'text/plain', good],
    ['JSON as text with a charset', 'text/plain;charset=UTF-8', good],
    ['JSON as HTML', 'text/html', good],
    ['JSON as XML', 'application/xml', good],
    ['JSON as bytes', 'application/octet-stream', good],
    ['JSON as a type without a slash', 'json', good],
    ['JSON as any type', '*/*', good],
    ['JSON as an empty type', '', good],
    ['JSON without a type', undefined, good],
    ['JSON said to be a form', asForm['Content-Type'], good],
    ['two types in one', 'application/json, text/plain', good],
    ['a form', asForm['Content-Type'], form(fields)],
    ['a form with a charset', `${asForm['Content-Type']}; charset=utf-8`, form(fields)],
    ['a form in capitals', 'Application/X-WWW-Form-Urlencoded', form(fields)],
    ['a form with another parameter', `${asForm['Content-Type']}; x=y`, form(fields)],
    ['a form said to be JSON', asJson['Content-Type'], form(fields)],
    ['a form without a type', undefined, form(fields)],
    ['multipart', multipart['Content-Type'], parts(fields)],
    ['multipart with a quoted boundary', `multipart/form-data; boundary="${boundary}"`, parts(fields)],
    ['multipart without a boundary', 'multipart/form-data', parts(fields)],
    ['multipart with another boundary', 'multipart/form-data; boundary=other', parts(fields)],
    ['multipart without an end', multipart['Content-Type'], parts(fields).replace(/--\r\n$/, '')],
    ['multipart that is empty', multipart['Content-Type'], ''],
    ['multipart with files for fields', multipart['Content-Type'], parts(fields, '; filename="a.txt"')],
    ['multipart of another kind', `multipart/mixed; boundary=${boundary}`, parts(fields)],
  ]
}

const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

/** Bodies that are no object with the fields, sent as JSON. */
const oddBodies: readonly (readonly [name: string, body: string | Buffer])[] = [
  ['nothing', ''],
  ['white space', ' \n\t '],
  ['null', 'null'],
  ['true', 'true'],
  ['false', 'false'],
  ['a number', '1'],
  ['a float', '-1.5e3'],
  ['a string', '"text"'],
  ['an empty string', '""'],
  ['an empty list', '[]'],
  ['a list of an object', '[{"username":"ada"}]'],
  ['an empty object', '{}'],
  ['an object of other fields', '{"a":1,"b":[2]}'],
  ['the start of an object', '{'],
  ['a name without a value', '{"username"}'],
  ['a trailing comma', '{"username":"ada",}'],
  ['single quotes', "{'username':'ada'}"],
  ['no quotes', '{username:1}'],
  ['a comment', '{/**/}'],
  ['something behind the object', '{}x'],
  ['two objects', '{}{}'],
  ['NaN', '{"a":NaN}'],
  ['Infinity', '{"a":Infinity}'],
  ['minus Infinity', '{"a":-Infinity}'],
  ['NaN alone', 'NaN'],
  ['a number with a leading zero', '{"a":01}'],
  ['a number too large for a float', '{"a":1e999}'],
  ['a control character in a string', '{"a":"\u0001"}'],
  ['a bad escape', '{"a":"\\x"}'],
  ['an unfinished string', '{"a":"'],
  ['a byte order mark', '\ufeff{}'],
  ['broken UTF-8', Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ['UTF-16', Buffer.from('{}', 'utf16le')],
  ['a NUL byte', Buffer.from([0])],
  ['lists a thousand deep', deep(1000)],
  ['lists a hundred thousand deep', deep(100_000).slice(0, 60_000)],
  ['words', 'not json'],
  ['a member called __proto__', '{"__proto__":{"username":"ada","password":"x"}}'],
]

/** Values that a field may come with. */
const oddValues: readonly (readonly [name: string, value: string])[] = [
  ['null', 'null'],
  ['an empty string', '""'],
  ['white space', '"  \\t "'],
  ['a number', '1'],
  ['a float', '1.5'],
  ['a large number', '123456789012345678901234567890'],
  ['a number in exponents', '1e3'],
  ['a negative number', '-7'],
  ['zero', '0'],
  ['true', 'true'],
  ['false', 'false'],
  ['a list', '[]'],
  ['a list of a string', '["ada"]'],
  ['an object', '{}'],
  ['an object with a member', '{"a":1}'],
  ['a word', '"nothing"'],
  ['a NUL', '"a\\u0000b"'],
  ['a lone surrogate', '"\\ud800"'],
  ['a control character', '"a\\u0007b"'],
  ['a line break', '"a\\nb"'],
  ['another direction', '"a\\u202eb"'],
  ['emoji', '"🐴"'],
  ['10,000 characters', json('x'.repeat(10_000))],
]

/** Forms with what a form can have. */
function oddForms({ fields }: Endpoint): readonly (readonly [name: string, body: string | Buffer])[] {
  const [first = ''] = Object.keys(fields)
  const good = form(fields)
  return [
    ['nothing', ''],
    ['ampersands only', '&&&'],
    ['a repeated field, the good one last', `${first}=wrong&${good}`],
    ['a repeated field, the good one first', `${good}&${first}=wrong`],
    ['a repeated field, the last one empty', `${good}&${first}=`],
    ['a field without a value', first],
    ['an empty field', `${first}=`],
    ['a field with brackets', good.replace(first, `${first}[]`)],
    ['a field with an index', good.replace(first, `${first}[0]`)],
    ['a field with a dot', good.replace(first, `x.${first}`)],
    ['another field', `${good}&other=1`],
    ['semicolons between', good.replaceAll('&', ';')],
    ['a plus for a space', `${good}&other=a+b`],
    ['broken escapes', `${good}&other=%zz%`],
    ['an escape that is no UTF-8', `${good}&other=%ff`],
    ['a field whose escape is no UTF-8', `${first}=%ff%fe`],
    ['raw bytes that are no UTF-8', Buffer.concat([Buffer.from(`${first}=`), Buffer.from([0xff])])],
    ['a field with a NUL', `${first}=a%00b`],
    ['a thousand and one fields', `${good}&${'x=1&'.repeat(1001)}`],
  ]
}

/** Everything about bodies and what fields hold. */
export function bodyScenarios(family: Family, endpoint: Endpoint): readonly Scenario[] {
  const { path: target, fields } = endpoint
  const one = (name: string, headers: Readonly<Record<string, string>>, body: string | Buffer) =>
    single(family, endpoint, name, { target, headers, body })
  const names = Object.keys(fields)
  return [
    ...contentTypes(endpoint).map(([name, type, body]) =>
      one(name, type === undefined ? {} : { 'Content-Type': type }, body),
    ),
    ...oddBodies.map(([name, body]) => one(`${name} as JSON`, asJson, body)),
    ...oddForms(endpoint).map(([name, body]) => one(`a form: ${name}`, asForm, body)),
    ...names.flatMap((field) => [
      ...oddValues.map(([name, value]) =>
        one(
          `${field} is ${name}`,
          asJson,
          json({ ...fields, [field]: 0 }).replace(`"${field}":0`, `"${field}":${value}`),
        ),
      ),
      one(
        `${field} is missing`,
        asJson,
        json(Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field))),
      ),
      one(`${field} twice, the good one last`, asJson, json(fields).replace('{', `{"${field}":"wrong",`)),
      one(`${field} twice, the good one first`, asJson, json(fields).replace(/\}$/, `,"${field}":"wrong"}`)),
      one(`${field} with white space around`, asJson, json({ ...fields, [field]: ` ${fields[field]}\n` })),
      one(
        `${field} is missing in a form`,
        asForm,
        form(Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field))),
      ),
      one(`${field} in capitals`, asJson, json(fields).replace(`"${field}"`, `"${field.toUpperCase()}"`)),
    ]),
    ...(names.length > 1
      ? [
          one('both fields empty', asJson, json(Object.fromEntries(names.map((name) => [name, ''])))),
          one('both fields null', asJson, json(Object.fromEntries(names.map((name) => [name, null])))),
          one('both fields lists', asJson, json(Object.fromEntries(names.map((name) => [name, []])))),
        ]
      : []),
    one('fields that nobody asked for', asJson, json({ ...fields, is_staff: true, user_id: 1, exp: 1 })),
    one('70,000 bytes of white space behind', asJson, `${json(fields)}${' '.repeat(70_000)}`),
    one('three million bytes', asJson, json({ ...fields, other: 'x'.repeat(3_000_000) })),
    one('a form of three million bytes', asForm, `other=${'x'.repeat(3_000_000)}`),
  ]
}
