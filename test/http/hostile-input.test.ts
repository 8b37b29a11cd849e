import test from 'ava'
import { password, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic, type Form, type OAuthAnswer, post, toPair } from '../support/oauth.ts'

const hostile = [
  "' OR '1'='1",
  "ada'; DROP TABLE users; --",
  '" OR ""="',
  '1); DELETE FROM sessions; --',
  '%',
  '_',
  '$1 ? :name @x',
  '\0',
  'ada\0',
  '\r\n\u001b[2J{"event":"forged"}',
  '\u{1F600}\u202E',
  '\uFFFD',
  '__proto__',
  'constructor',
  '[object Object]',
  '{"$ne":null}',
  '../../etc/passwd',
  'x'.repeat(10_000),
]

const parameters = [
  'grant_type',
  'client_id',
  'client_secret',
  'username',
  'password',
  'refresh_token',
  'scope',
  'resource',
  'token',
  'token_type_hint',
]

/** What an answer must never show: the database, the code, or the value that was sent. */
const leaks = /SQLITE|sqlite|SELECT|INSERT|UPDATE |knex|select |node_modules|\.ts:|\.js:| {4}at |no such/

function assertHarmless(t: { true(ok: boolean, message: string): void }, answer: OAuthAnswer, what: string) {
  t.true(answer.status === 400 || answer.status === 401, `${what}: ${answer.status} ${answer.text}`)
  t.true(!leaks.test(answer.text), `${what}: ${answer.text}`)
}

async function login(issuer: TestIssuer) {
  return toPair(
    await post(
      `${issuer.url}/oauth2/token`,
      { grant_type: 'password', username: 'ada', password },
      basic(issuer.service),
    ),
  )
}

test('security 41: what looks like SQL, or like nothing at all, is harmless in every parameter', async (t) => {
  const issuer = await startTestIssuer(t)
  const client = basic(issuer.service)
  const { refresh_token } = await login(issuer)
  const good: readonly (readonly [string, Form])[] = [
    ['/oauth2/token', { grant_type: 'password', username: 'ada', password: 'wrong' }],
    ['/oauth2/token', { grant_type: 'refresh_token', refresh_token: 'mrt_x' }],
    ['/oauth2/token', { grant_type: 'client_credentials', resource: 'https://nowhere.example' }],
  ]
  for (const value of hostile) {
    for (const name of parameters) {
      for (const [path, form] of good) {
        const answer = await post(issuer.url + path, { ...form, [name]: value }, client)
        assertHarmless(t, answer, `${path} ${name}=${JSON.stringify(value)}`)
      }
    }
    const inspected = await post(`${issuer.url}/oauth2/introspect`, { token: value }, client)
    t.deepEqual(inspected.body, { active: false })
    t.is((await post(`${issuer.url}/oauth2/revoke`, { token: value }, client)).status, 200)
  }
  const refreshed = await post(
    `${issuer.url}/oauth2/token`,
    { grant_type: 'refresh_token', refresh_token },
    client,
  )
  t.is(refreshed.status, 200)
  t.is((await issuer.administration.users.get('ada')).disabledAt, null)
})

test('security 41: hostile client credentials are refused in header and body', async (t) => {
  const issuer = await startTestIssuer(t)
  for (const value of hostile) {
    for (const client of [
      { id: value, secret: issuer.service.secret },
      { id: 'service', secret: value },
    ]) {
      const header = await post(
        `${issuer.url}/oauth2/token`,
        { grant_type: 'client_credentials' },
        basic(client),
      )
      t.is(header.status, 401)
      t.notRegex(header.text, leaks)
      const body = await post(`${issuer.url}/oauth2/token`, {
        grant_type: 'client_credentials',
        client_id: client.id,
        client_secret: client.secret,
      })
      t.is(body.status, 401)
      t.is(body.text, header.text)
    }
  }
})

test('security 41: bytes that are no text, and parameter names of every kind, are harmless', async (t) => {
  const issuer = await startTestIssuer(t)
  const client = basic(issuer.service)
  const send = async (body: Uint8Array | string, type = 'application/x-www-form-urlencoded') => {
    const response = await fetch(`${issuer.url}/oauth2/token`, {
      method: 'POST',
      headers: { ...client, 'Content-Type': type },
      body,
    })
    return { status: response.status, text: await response.text() }
  }
  const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  for (const body of [
    every,
    Buffer.concat([Buffer.from('grant_type=password&username='), every]),
    'grant_type=%ff',
    'grant_type=%',
    '%=%',
    '=',
    '&&&&',
    '__proto__=x&grant_type=x',
    'grant_type[]=password',
    'grant_type[x]=password',
    Array.from({ length: 10_000 }, (_, index) => `p${index}=1`)
      .join('&')
      .slice(0, 65_000),
  ]) {
    const { status, text } = await send(body)
    t.true(status === 400, `${status} ${text}`)
    t.notRegex(text, leaks)
  }
  for (const type of [
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded; charset=utf-7',
    'application/x-www-form-urlencoded; charset=nonsense',
    ';',
  ]) {
    const { status, text } = await send('{"grant_type":"x"}', type)
    t.true(status === 400 || status === 415, `${type}: ${status} ${text}`)
    t.notRegex(text, leaks)
  }
  t.is((await send('grant_type=client_credentials')).status, 200)
})
