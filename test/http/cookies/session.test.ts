import test from 'ava'
import { CookieJar, readSetCookies } from '../../support/cookie-jar.ts'
import { audience, openTestIssuer, password, type TestIssuer } from '../../support/in-process-issuer.ts'
import { decodeClaims, type Form, type OAuthAnswer, post } from '../../support/oauth.ts'
import { isActive } from '../../support/requests.ts'

let issuer: TestIssuer

test.before(async () => {
  issuer = await openTestIssuer({ environment: { MINTAGE_CORS_ORIGINS: 'https://app.example' } })
  await issuer.administration.clients.create('web', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
    cookies: 'strict',
  })
})
test.after.always(() => issuer.stop())

type Fields = Readonly<Record<string, string>>

const credentials = { grant_type: 'password', username: 'ada', password }
const names = { access: '__Host-web-access', refresh: '__Secure-web-refresh' }

/** Posts as a page of the issuer's own origin does, of the client `web`. */
async function send(jar: CookieJar, path: string, form: Fields, headers: Fields = {}): Promise<OAuthAnswer> {
  const own = { Origin: issuer.url, 'Sec-Fetch-Site': 'same-origin', ...jar.headerFor(path) }
  const answer = await post(issuer.url + path, { client_id: 'web', ...form } as Form, { ...own, ...headers })
  jar.keep(answer.headers)
  return answer
}

async function logIn(jar: CookieJar): Promise<OAuthAnswer> {
  const answer = await send(jar, '/oauth2/token', credentials)
  if (answer.status !== 200) throw new Error(`No login, but ${answer.status} ${answer.text}`)
  return answer
}

function tokenOf(jar: CookieJar, kind: keyof typeof names): string {
  const token = jar.get(names[kind])
  if (token === undefined) throw new Error(`There is no ${kind} token in the jar.`)
  return token
}

test('row 3: a login puts both tokens into cookies that no script reads, and none into the body', async (t) => {
  const answer = await logIn(new CookieJar())
  t.deepEqual(Object.keys(answer.body).sort(), [
    'expires_in',
    'refresh_token_expires_in',
    'scope',
    'token_type',
  ])
  t.is(answer.headers.get('cache-control'), 'no-store')
  const [refresh, access, ...others] = readSetCookies(answer.headers)
  t.deepEqual(others, [])
  const common = { secure: '', httponly: '', samesite: 'Strict' }
  t.is(access?.name, names.access)
  t.deepEqual(access?.attributes, { ...common, path: '/', 'max-age': String(answer.body['expires_in']) })
  t.like(decodeClaims(access?.value ?? ''), { client_id: 'web', aud: audience })
  t.is(refresh?.name, names.refresh)
  const life = String(answer.body['refresh_token_expires_in'])
  t.deepEqual(refresh?.attributes, { ...common, path: '/oauth2', 'max-age': life })
  t.regex(refresh?.value ?? '', /^mrt_/)
})

test('a session goes on by its cookies alone, and ends by them', async (t) => {
  const jar = new CookieJar()
  await logIn(jar)
  const first = { access: tokenOf(jar, 'access'), refresh: tokenOf(jar, 'refresh') }
  const refreshed = await send(jar, '/oauth2/token', { grant_type: 'refresh_token' })
  t.is(refreshed.status, 200)
  t.false('access_token' in refreshed.body || 'refresh_token' in refreshed.body)
  t.not(tokenOf(jar, 'access'), first.access)
  t.not(tokenOf(jar, 'refresh'), first.refresh)
  const last = tokenOf(jar, 'access')

  const out = await send(jar, '/oauth2/revoke', {})
  t.is(out.status, 200)
  t.is(jar.size, 0, 'the browser forgets both')
  for (const cookie of readSetCookies(out.headers)) {
    t.is(cookie.value, '')
    t.true('secure' in cookie.attributes, 'without it a browser does not let a prefixed cookie be touched')
  }
  t.is(await isActive(issuer, last), false)
  const dead = await send(
    jar,
    '/oauth2/token',
    { grant_type: 'refresh_token' },
    {
      Cookie: `${names.refresh}=${first.refresh}`,
    },
  )
  t.is(dead.body['error'], 'invalid_grant')
})

test('to log out without a session is no error', async (t) => {
  const jar = new CookieJar()
  t.is((await send(jar, '/oauth2/revoke', {})).status, 200)
  await logIn(jar)
  const session = tokenOf(jar, 'access')
  const out = await send(jar, '/oauth2/revoke', {}, { Cookie: `${names.access}=${session}` })
  t.is(out.status, 200)
  t.is(await isActive(issuer, session), false, 'the access token is taken back where there is no other')
})

test('a refused refresh takes the cookies away; one that could not be tried leaves them', async (t) => {
  const jar = new CookieJar()
  await logIn(jar)
  const narrow = await send(jar, '/oauth2/token', { grant_type: 'refresh_token', scope: 'none:such' })
  t.is(narrow.body['error'], 'invalid_scope')
  t.is(jar.size, 2)
  await issuer.administration.sessions.revoke(String(decodeClaims(tokenOf(jar, 'access'))['sid']))
  const refused = await send(jar, '/oauth2/token', { grant_type: 'refresh_token' })
  t.is(refused.body['error'], 'invalid_grant')
  t.is(jar.size, 0)
})

test('a wrong password costs nobody the session of before', async (t) => {
  const jar = new CookieJar()
  await logIn(jar)
  const wrong = await send(jar, '/oauth2/token', { ...credentials, password: 'wrong' })
  t.is(wrong.body['error'], 'invalid_grant')
  t.is(jar.size, 2)
})

test('a token beside a cookie that differs is ambiguous; the same one is not', async (t) => {
  const jar = new CookieJar()
  const other = new CookieJar()
  await logIn(jar)
  await logIn(other)
  const refresh_token = tokenOf(other, 'refresh')
  const form = { grant_type: 'refresh_token', refresh_token }
  const beside = await send(jar, '/oauth2/token', form)
  t.is(beside.status, 400)
  t.is(beside.body['error'], 'invalid_request')
  t.is((await send(jar, '/oauth2/revoke', { token: refresh_token })).body['error'], 'invalid_request')
  t.is(jar.size, 2)
  t.is((await send(other, '/oauth2/token', form)).status, 200, 'the body says what the cookie says')
  t.is((await send(jar, '/oauth2/token', { grant_type: 'refresh_token' })).status, 200, 'nothing was lost')
})

test('two cookies of one name are refused, whichever is good', async (t) => {
  const jar = new CookieJar()
  await logIn(jar)
  const good = `${names.refresh}=${tokenOf(jar, 'refresh')}`
  for (const Cookie of [
    `${good}; ${good}`,
    `${good}; a=b;${names.refresh}=`,
    `${names.refresh}=x;  ${good}`,
  ]) {
    for (const [path, form] of [
      ['/oauth2/token', { grant_type: 'refresh_token' }],
      ['/oauth2/revoke', {}],
    ] as const) {
      const answer = await send(new CookieJar(), path, form, { Cookie })
      t.is(answer.status, 400, Cookie)
      t.is(answer.body['error'], 'invalid_request')
    }
  }
  t.is((await send(jar, '/oauth2/token', { grant_type: 'refresh_token' })).status, 200)
})

test('a cookie of nearly that name is none', async (t) => {
  const jar = new CookieJar()
  await logIn(jar)
  const token = tokenOf(jar, 'refresh')
  for (const name of [
    '__secure-web-refresh',
    '__Secure-web-refresh2',
    'web-refresh',
    '__Secure-app-refresh',
  ]) {
    const answer = await send(
      new CookieJar(),
      '/oauth2/token',
      { grant_type: 'refresh_token' },
      {
        Cookie: `${name}=${token}`,
      },
    )
    t.is(answer.body['error'], 'invalid_request', name)
  }
})

test('a client without the setting never looks at a cookie, nor sets one', async (t) => {
  const jar = new CookieJar()
  await logIn(jar)
  const headers = { Cookie: `${names.refresh}=a; ${names.refresh}=b; __Secure-app-refresh=x`, Origin: 'null' }
  const form = { client_id: 'app', ...credentials }
  const pair = await post(`${issuer.url}/oauth2/token`, form, headers)
  t.is(pair.status, 200)
  t.is(typeof pair.body['access_token'], 'string')
  t.deepEqual(pair.headers.getSetCookie(), [])
  const bare = { grant_type: 'refresh_token', client_id: 'app' }
  const refused = await post(`${issuer.url}/oauth2/token`, bare, jar.headerFor('/oauth2/token'))
  t.is(refused.body['error'], 'invalid_request')
})

test('a session of before the setting moves into cookies', async (t) => {
  const { administration } = issuer
  await administration.clients.create('moving', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
  })
  const url = `${issuer.url}/oauth2/token`
  const pair = await post(url, { client_id: 'moving', ...credentials })
  await administration.clients.update('moving', { cookies: 'lax' })
  const form = {
    client_id: 'moving',
    grant_type: 'refresh_token',
    refresh_token: String(pair.body['refresh_token']),
  }
  // Another connection to the database tells of the change within a second.
  const deadline = Date.now() + 10_000
  let answer = await post(url, form, { Origin: issuer.url })
  while (answer.headers.getSetCookie().length === 0 && Date.now() < deadline) {
    if (typeof answer.body['refresh_token'] === 'string') form.refresh_token = answer.body['refresh_token']
    answer = await post(url, form, { Origin: issuer.url })
  }
  const [, access] = readSetCookies(answer.headers)
  t.is(access?.name, '__Host-moving-access')
  t.is(access?.attributes['samesite'], 'Lax')
  t.false('refresh_token' in answer.body)
})

test('row 36: a token that no browser would keep is an error that names the client and no token', async (t) => {
  const { administration } = issuer
  await administration.clients.create('stout', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
    cookies: 'strict',
    claims: { text: 'x'.repeat(3_800) },
  })
  const answer = await send(new CookieJar(), '/oauth2/token', { client_id: 'stout', ...credentials })
  t.is(answer.status, 500)
  t.is(answer.body['error'], 'server_error')
  const kept = readSetCookies(answer.headers).map(({ name }) => name)
  t.deepEqual(kept, ['__Secure-stout-refresh'], 'the session is not lost with it')
})

test("another tab's retry with its own key leaves the cookies that the first has set", async (t) => {
  const jar = new CookieJar()
  await logIn(jar)
  const before = { ...jar.headerFor('/oauth2/token') }
  const form = { grant_type: 'refresh_token' }
  t.is((await send(jar, '/oauth2/token', form, { 'Idempotency-Key': 'first-tab' })).status, 200)
  const late = await send(jar, '/oauth2/token', form, { ...before, 'Idempotency-Key': 'second-tab' })
  t.is(late.body['error'], 'invalid_grant')
  t.is(jar.size, 2)
  t.is((await send(jar, '/oauth2/token', form)).status, 200)
})

test("row 23: another client's access token in the cookie ends nothing", async (t) => {
  const { administration, url } = issuer
  await administration.clients.create('other', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
  })
  const login = { ...credentials, client_id: 'other' }
  const { body } = await post(`${url}/oauth2/token`, login)
  const stolen = String(body['access_token'])
  const out = await send(new CookieJar(), '/oauth2/revoke', {}, { Cookie: `${names.access}=${stolen}` })
  t.true([200, 400].includes(out.status), out.text)
  const refresh = {
    grant_type: 'refresh_token',
    client_id: 'other',
    refresh_token: String(body['refresh_token']),
  }
  t.is((await post(`${url}/oauth2/token`, refresh)).status, 200)
})
