import test from 'ava'
import { CookieJar, readSetCookies } from '../../support/cookie-jar.ts'
import { shareSimpleJwt, startSimpleJwt, tokenNotValid } from '../../support/django.ts'
import { password } from '../../support/in-process-issuer.ts'
import { decodeClaims, type OAuthAnswer } from '../../support/oauth.ts'

const credentials = { username: 'ada', password }
const names = { access: '__Host-web-access', refresh: '__Secure-web-refresh' }

const clean = shareSimpleJwt(test, { client: { cookies: 'strict' } })

/** A browser on a page of the issuer's origin, and the issuer in words of SimpleJWT. */
function browse(scene: Awaited<ReturnType<typeof clean>> | Awaited<ReturnType<typeof startSimpleJwt>>) {
  const jar = new CookieJar()
  const send = async (
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<OAuthAnswer> => {
    const own = { Origin: scene.issuer.url, ...jar.headerFor(`/api/token/${path}`) }
    const answer = await scene.post(path, body, { ...own, ...headers })
    jar.keep(answer.headers)
    return answer
  }
  return { ...scene, jar, send }
}

test.serial('the pair of a login goes into cookies, the body says how long they last', async (t) => {
  const { send } = browse(await clean())
  const answer = await send('', credentials)
  t.is(answer.status, 200)
  const [refresh, access, ...others] = readSetCookies(answer.headers)
  t.deepEqual(others, [])
  const common = { secure: '', httponly: '', samesite: 'Strict' }
  t.is(access?.name, names.access)
  t.deepEqual(access?.attributes, { ...common, path: '/', 'max-age': '900' })
  t.is(refresh?.name, names.refresh)
  t.deepEqual(refresh?.attributes, { ...common, path: '/api/token', 'max-age': String(7 * 86_400) })
  t.deepEqual(answer.body, { expires_in: 900, refresh_token_expires_in: 7 * 86_400 })
})

test.serial('a pair is refreshed, verified and blacklisted by its cookies, with an empty body', async (t) => {
  const { send, jar } = browse(await clean())
  await send('', credentials)
  const first = jar.get(names.refresh)
  t.is((await send('verify/', {})).status, 200)
  const refreshed = await send('refresh/', {})
  t.is(refreshed.status, 200)
  t.deepEqual(Object.keys(refreshed.body).sort(), ['expires_in', 'refresh_token_expires_in'])
  t.not(jar.get(names.refresh), first)
  const last = { access: jar.get(names.access), refresh: jar.get(names.refresh) }

  const out = await send('blacklist/', {})
  t.is(out.status, 200)
  t.deepEqual(out.body, {})
  t.is(jar.size, 0)
  const Cookie = `${names.access}=${last.access}; ${names.refresh}=${last.refresh}`
  t.is((await send('verify/', {}, { Cookie })).status, 400)
  const dead = await send('refresh/', {}, { Cookie })
  t.is(dead.status, 401)
  t.deepEqual(dead.body, tokenNotValid('Token is blacklisted'))
  t.is(readSetCookies(dead.headers).length, 4, 'a refused refresh takes the cookies away')
  t.is((await send('blacklist/', {})).status, 200, 'to log out twice is no error')
})

test.serial('without a cookie the field is required, as ever', async (t) => {
  const { send } = browse(await clean())
  for (const path of ['refresh/', 'verify/']) {
    const answer = await send(path, {})
    t.is(answer.status, 400)
    t.deepEqual(Object.values(answer.body), [['This field is required.']])
  }
})

test.serial('an access token that has expired is refreshed by the cookie that has not', async (t) => {
  const { send, jar, clock } = browse(await clean())
  await send('', credentials)
  clock.advance(16 * 60_000)
  t.is((await send('verify/', {})).status, 401)
  t.is((await send('refresh/', {})).status, 200)
  t.is((await send('verify/', {})).status, 200)
  clock.advance(8 * 86_400_000)
  const expired = await send('refresh/', {})
  t.deepEqual(expired.body, tokenNotValid('Token is expired'))
  t.is(jar.size, 0)
})

test.serial('sliding tokens travel in the one cookie', async (t) => {
  const { send, jar } = browse(
    await startSimpleJwt(t, { client: { cookies: 'strict', django: { slidingTokens: true } } }),
  )
  const answer = await send('', credentials)
  t.deepEqual(answer.body, { expires_in: 900 })
  const first = jar.get(names.access) ?? ''
  t.like(decodeClaims(first), { token_type: 'sliding' })
  t.deepEqual((await send('refresh/', {})).body, { expires_in: 900 })
  t.not(jar.get(names.access), first)
  t.is((await send('verify/', {})).status, 200)
})

test.serial(
  'a cookie beside a token that differs, and two cookies of one name, are told apart from a bad token',
  async (t) => {
    const { send, jar } = browse(await clean())
    await send('', credentials)
    const good = jar.get(names.refresh)
    for (const path of ['refresh/', 'blacklist/']) {
      const beside = await send(path, { refresh: 'another' })
      t.is(beside.status, 400)
      t.deepEqual(beside.body, { detail: 'The token of the request differs from the one of its cookie.' })
      const twice = await send(path, {}, { Cookie: `${names.refresh}=x; ${names.refresh}=${good}` })
      t.is(twice.status, 400)
      t.deepEqual(twice.body, { detail: 'Two cookies of the request have one name.' })
    }
  },
)

test.serial('a page that may not is refused as Django refuses it, and nothing happens', async (t) => {
  const { issuer, send, jar } = browse(await clean())
  await send('', credentials)
  const before = jar.get(names.refresh)
  const logins = (await issuer.store.audit.tail(1_000)).length
  const foreign = [
    { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'null' },
    { Origin: 'https://evil.example', 'Content-Type': 'application/x-www-form-urlencoded' },
    { Origin: '', 'Sec-Fetch-Site': 'none' },
  ]
  for (const headers of foreign) {
    for (const [path, body] of [
      ['', credentials],
      ['refresh/', {}],
      ['verify/', {}],
      ['blacklist/', {}],
    ] as const) {
      const isForm = 'Content-Type' in headers
      const answer = await send(path, isForm ? new URLSearchParams(body).toString() : body, headers)
      t.is(answer.status, 403, path)
      t.regex(String(answer.body['detail']), /^CSRF Failed: /)
      t.deepEqual(answer.headers.getSetCookie(), [])
      t.is(answer.headers.get('www-authenticate'), null)
    }
  }
  t.is((await issuer.store.audit.tail(1_000)).length, logins)
  t.is(jar.get(names.refresh), before)
  t.is((await send('refresh/', {})).status, 200)
})

test.serial('what is no POST is answered as ever, wherever it comes from', async (t) => {
  const { issuer } = browse(await clean())
  const headers = { Origin: 'https://evil.example' }
  t.is((await fetch(`${issuer.url}/api/token/`, { headers })).status, 405)
  t.is((await fetch(`${issuer.url}/api/token/`, { method: 'OPTIONS', headers })).status, 200)
})

test.serial(
  'a logout by the access cookie alone ends its session, of a pair and a sliding token',
  async (t) => {
    const pair = browse(await clean())
    const sliding = browse(
      await startSimpleJwt(t, { client: { cookies: 'strict', django: { slidingTokens: true } } }),
    )
    for (const { send, jar } of [pair, sliding]) {
      await send('', credentials)
      const Cookie = `${names.access}=${jar.get(names.access)}`
      const refresh = `${names.refresh}=${jar.get(names.refresh)}`
      t.is((await send('blacklist/', {}, { Cookie })).status, 200)
      t.is((await send('verify/', {}, { Cookie })).status, 400)
      t.is((await send('refresh/', {}, { Cookie: `${Cookie}; ${refresh}` })).status, 401)
    }
  },
)
