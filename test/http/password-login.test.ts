import test from 'ava'
import { openTestIssuer, password, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic, type OAuthAnswer } from '../support/oauth.ts'
import { ask, login } from '../support/requests.ts'

let issuer: TestIssuer
test.before(async () => {
  issuer = await openTestIssuer()
  const { users } = issuer.administration
  await users.create('disabled', { password })
  await users.disable('disabled')
  await users.create('passwordless', {})
  await users.create('deleted', { password })
  await users.delete('deleted')
})
test.after.always(() => issuer.stop())

const attempt = (username: string, secret: string, extra = {}) =>
  ask(issuer, 'token', { grant_type: 'password', username, password: secret, ...extra })

/** All of an answer but what differs between any two. */
const visible = ({ status, headers, text }: OAuthAnswer) => ({
  status,
  text,
  headers: [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id'),
})

const failures: readonly (readonly [name: string, username: string, password: string])[] = [
  ['an unknown user', 'nobody', password],
  ['a wrong password', 'ada', 'wrong horse battery staple'],
  ['a disabled user with the right password', 'disabled', password],
  ['a disabled user with a wrong password', 'disabled', 'wrong horse battery staple'],
  ['a user without a password', 'passwordless', password],
  ['a deleted user', 'deleted', password],
  ['an over-long password', 'ada', 'x'.repeat(4_097)],
  ['an over-long password of nobody', 'nobody', 'x'.repeat(4_097)],
  ['an over-long user name', 'n'.repeat(20_000), password],
  ['the password in another case', 'ada', password.toUpperCase()],
  ['a space behind the password', 'ada', `${password} `],
  ['a user name in another case', 'Ada', password],
  ['an e-mail for a user name', 'ada@example.org', password],
  ['a wildcard', '%', password],
  ['a statement of SQL', "ada' OR '1'='1", password],
  ['control characters', 'ada\u0000\r\n', password],
  ['a prototype', '__proto__', password],
]

test('security 11: whatever is wrong with a login, the answer is the same byte for byte', async (t) => {
  const expected = visible(await attempt('nobody', 'wrong horse battery staple'))
  t.is(expected.status, 400)
  t.is(JSON.parse(expected.text).error, 'invalid_grant')
  for (const [name, username, secret] of failures) {
    t.deepEqual(visible(await attempt(username, secret)), expected, name)
  }
  t.is((await attempt('ada', password)).status, 200)
})

test('security 11: the id of a user is no name to log in with', async (t) => {
  t.is((await attempt(issuer.user.id, password)).body['error'], 'invalid_grant')
})

test('security 39: every failed login is an audit row, one with an over-long password too', async (t) => {
  const own = await openTestIssuer()
  t.teardown(own.stop)
  const form = { grant_type: 'password', username: 'ada', password: 'x'.repeat(4_097) }
  await ask(own, 'token', form)
  await ask(own, 'token', { ...form, password: 'wrong' })
  await ask(own, 'token', { ...form, username: 'nobody', password })
  await login(own)
  const rows = (await own.store.audit.tail(100)).filter(({ event }) => event.type.startsWith('login.'))
  t.deepEqual(
    rows.map(({ event }) => event),
    [
      { type: 'login.failed', reason: 'password', client: 'service', user: own.user.id },
      { type: 'login.failed', reason: 'password', client: 'service', user: own.user.id },
      { type: 'login.failed', reason: 'unknown', client: 'service' },
      { type: 'login.succeeded', user: own.user.id, client: 'service' },
    ],
  )
})

test('security 12: a password of a thousand characters counts to its last one, far past 72 bytes', async (t) => {
  const { users } = issuer.administration
  for (const [name, long] of [
    ['bytes-73', 'a'.repeat(72) + 'b'],
    ['long', 'pass phrase '.repeat(100)],
    ['wide', '🔑'.repeat(64)],
    ['largest', 'z'.repeat(4_096)],
  ] as const) {
    await users.create(name, { password: long })
    t.is((await attempt(name, long)).status, 200, name)
    const characters = [...long]
    const cut = characters.slice(0, -1).join('')
    t.is((await attempt(name, cut)).status, 400, `${name}, one character short`)
    t.is((await attempt(name, `${cut}?`)).status, 400, `${name}, another last character`)
    t.is((await attempt(name, Buffer.from(long).subarray(0, 72).toString('latin1'))).status, 400, name)
  }
})

test('security 13: NUL and emoji count, and both Unicode forms of one password are the same', async (t) => {
  const { users } = issuer.administration
  await users.create('nul', { password: 'before\u0000after the end' })
  t.is((await attempt('nul', 'before\u0000after the end')).status, 200)
  t.is((await attempt('nul', 'before\u0000after the END')).status, 400)
  t.is((await attempt('nul', 'before')).status, 400)
  await users.create('forms', { password: 'a caf\u00e9 in the town' })
  t.is((await attempt('forms', 'a cafe\u0301 in the town')).status, 200)
  t.is((await attempt('forms', 'a cafe in the town')).status, 400)
})

test('a user name is one whatever its Unicode form', async (t) => {
  await issuer.administration.users.create('ren\u00e9', { password })
  t.is((await attempt('rene\u0301', password)).status, 200)
})

test('a request that could give no token asks for no password', async (t) => {
  const { secret } = await issuer.administration.clients.create('machine', false, {
    grants: ['client_credentials'],
  })
  const form = { grant_type: 'password', username: 'ada', password }
  const answer = await ask(issuer, 'token', form, basic({ id: 'machine', secret: secret ?? '' }))
  t.is(answer.body['error'], 'unauthorized_client')
  t.is((await attempt('ada', 'wrong', { scope: 'unknown' })).body['error'], 'invalid_scope')
  t.is((await attempt('ada', password, { scope: 'unknown' })).body['error'], 'invalid_scope')
})
