import test from 'ava'
import { shareSimpleJwt } from '../../support/django.ts'
import { read } from '../../support/oauth.ts'

const speak = shareSimpleJwt(test)

const hostile = [
  "' OR '1'='1",
  '\r\n\u001b[2J{"event":"forged"}',
  '__proto__',
  '[object Object]',
  '../../etc/passwd',
  'x'.repeat(10_000),
  'e30.e30.e30',
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.bnVsbA.AA',
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJqdGkiOiJtcnRfIiwiZXhwIjoxfQ.AA',
  `mrt_${'A'.repeat(76)}`,
  '.'.repeat(5_000),
]

const odd: readonly unknown[] = [[], {}, { $ne: null }, [[]], 1e308, -0, true, null, '', ' ', '\0', '\ud800']

const endpoints = {
  '': ['username', 'password'],
  'refresh/': ['refresh'],
  'verify/': ['token'],
  'blacklist/': ['refresh'],
}

/** What an answer must never show: the database or the code. */
const leaks = /SQLITE|sqlite|SELECT|knex|node_modules|\.ts:|\.js:| {4}at |TypeError|Unexpected token/

test.serial(
  'security 41: whatever stands in a field, the answer is of the package and shows nothing',
  async (t) => {
    const { issuer, post } = await speak()
    for (const [path, fields] of Object.entries(endpoints)) {
      for (const value of [...hostile, ...odd]) {
        const values = Object.fromEntries(fields.map((field) => [field, value]))
        const answers = [await post(path, values)]
        if (typeof value === 'string') {
          const body = new URLSearchParams(values as Record<string, string>)
          answers.push(await read(await fetch(`${issuer.url}/api/token/${path}`, { method: 'POST', body })))
        }
        for (const { status, text, headers } of answers) {
          t.true(status === 400 || status === 401, `${status} ${path} ${JSON.stringify(value)?.slice(0, 50)}`)
          t.is(headers.get('Content-Type'), 'application/json')
          t.is(headers.get('Cache-Control'), 'no-store', 'security 3')
          t.notRegex(text, leaks)
          t.is(typeof JSON.parse(text), 'object')
        }
      }
    }
  },
)

test.serial('security 38: odd headers and methods are answered as a view would', async (t) => {
  const { issuer } = await speak()
  const url = `${issuer.url}/api/token/`
  const cases: readonly (readonly [status: number, init: RequestInit])[] = [
    [406, { method: 'POST', headers: { Accept: ','.repeat(7_000) } }],
    [415, { method: 'POST', headers: { 'Content-Type': ';'.repeat(7_000) }, body: 'x' }],
    [415, { method: 'POST', headers: { 'Content-Type': 'application/x-json' }, body: '{}' }],
    [400, { method: 'POST', headers: { 'Content-Type': 'application/json; charset="utf-8"' }, body: '{}' }],
    [400, { method: 'POST', headers: { 'Content-Type': 'application/json; charset=' }, body: '[' }],
    [400, { method: 'POST', headers: { 'Content-Type': 'multipart/form-data; boundary="' }, body: 'x' }],
    [405, { method: 'PROPFIND' }],
    [405, { method: 'PUT', body: 'x'.repeat(70_000) }],
    [405, { method: 'DELETE', headers: { 'Content-Type': 'x' } }],
  ]
  for (const [status, init] of cases) {
    const answer = await read(await fetch(url, init))
    t.is(answer.status, status, JSON.stringify(init).slice(0, 100))
    t.is(answer.headers.get('Content-Type'), 'application/json')
    t.is(answer.headers.get('Allow'), 'POST, OPTIONS')
  }
})
