import test, { type ExecutionContext } from 'ava'
import { CookieJar, readSetCookies } from '../../support/cookie-jar.ts'
import { startDjango } from '../../support/django.ts'
import { password } from '../../support/in-process-issuer.ts'
import type { OAuthAnswer } from '../../support/oauth.ts'

const names = { access: '__Host-web-access', refresh: '__Secure-web-refresh' }

/** An issuer that speaks the format of `setting` in cookies, and a browser on a page of its origin. */
async function startInCookies(t: ExecutionContext, setting: string) {
  const client = { cookies: 'strict', django: { authCookie: 'JWT' } } as const
  const scene = await startDjango(t, setting, { client })
  const jar = new CookieJar()
  const send = async (
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<OAuthAnswer> => {
    const own = { Origin: scene.issuer.url, ...jar.headerFor(path) }
    const answer = await scene.post(path, body, { ...own, ...headers })
    jar.keep(answer.headers)
    return answer
  }
  return { ...scene, jar, send }
}

test("djangorestframework-jwt's one token travels in the access cookie, and in no other", async (t) => {
  const { send, jar } = await startInCookies(t, 'MINTAGE_DRF_JWT_CLIENT')
  const login = await send('/api-token-auth/', { username: 'ada', password })
  t.deepEqual(login.body, { expires_in: 900 })
  t.deepEqual(
    readSetCookies(login.headers).map(({ name, attributes }) => [name, attributes['path']]),
    [[names.access, '/']],
  )
  const first = jar.get(names.access)
  t.deepEqual((await send('/api-token-refresh/', {})).body, { expires_in: 900 })
  t.not(jar.get(names.access), first)
  t.deepEqual((await send('/api-token-verify/', {})).body, { expires_in: 900 }, 'it gives no token away')
  const foreign = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }
  const refused = await send('/api-token-refresh/', {}, foreign)
  t.is(refused.status, 403)
  t.regex(String(refused.body['detail']), /^CSRF Failed: /)
  const bad = await send('/api-token-refresh/', {}, { Cookie: `${names.access}=x` })
  t.is(bad.status, 400)
  t.is(jar.size, 0, 'a refused refresh takes the cookies away')
  t.deepEqual((await send('/api-token-verify/', {})).body, { token: ['This field is required.'] })
})

test("the PyJWT recipe's pair travels in cookies, and refusals have its shape", async (t) => {
  const { send, jar } = await startInCookies(t, 'MINTAGE_PYJWT_CLIENT')
  t.like((await send('/auth/refresh/', {})).body, { code: 'MISSING_TOKEN' })
  const login = await send('/auth/login/', { email: 'ada@example.org', password })
  t.is(login.status, 200)
  t.deepEqual(login.body, { expires_in: 900, refresh_token_expires_in: 7 * 86_400 })
  const refresh = readSetCookies(login.headers).find(({ name }) => name === names.refresh)
  t.is(refresh?.attributes['path'], '/auth')
  const refreshed = await send('/auth/refresh/', {})
  t.deepEqual(Object.keys(refreshed.body).sort(), ['expires_in', 'refresh_token_expires_in'])
  t.not(jar.get(names.refresh), refresh?.value)
  for (const field of ['refresh', 'refresh_token']) {
    const beside = await send('/auth/refresh/', { [field]: 'another' })
    t.is(beside.status, 400)
    t.is(beside.body['error'], 'The token of the request differs from the one of its cookie.')
  }
  const foreign = await send('/auth/login/', { email: 'ada@example.org', password }, { Origin: 'null' })
  t.is(foreign.status, 403)
  t.deepEqual(Object.keys(foreign.body), ['error', 'code'])
  t.deepEqual(foreign.headers.getSetCookie(), [])
  t.is((await send('/auth/refresh/', {})).status, 200, 'nothing was lost')
})

test("a logout at /oauth2 ends the PyJWT recipe's session and all of its cookies", async (t) => {
  const { issuer, send, jar } = await startInCookies(t, 'MINTAGE_PYJWT_CLIENT')
  await send('/auth/login/', { email: 'ada@example.org', password })
  const refresh = jar.get(names.refresh)
  const out = await fetch(`${issuer.url}/oauth2/revoke`, {
    method: 'POST',
    headers: { Origin: issuer.url, ...jar.headerFor('/oauth2/revoke') },
    body: new URLSearchParams({ client_id: 'web' }),
  })
  t.is(out.status, 200)
  jar.keep(out.headers)
  t.is(jar.size, 0)
  t.is((await send('/auth/refresh/', {}, { Cookie: `${names.refresh}=${refresh}` })).status, 401)
})

test('the cookie of a djangorestframework-jwt login is not set for a form of another site', async (t) => {
  const { post } = await startDjango(t, 'MINTAGE_DRF_JWT_CLIENT', {
    client: { django: { authCookie: 'JWT' } },
  })
  for (const [site, count] of [
    ['cross-site', 0],
    ['same-site', 1],
    ['none', 1],
  ] as const) {
    const headers = { 'Sec-Fetch-Site': site }
    const login = await post('/api-token-auth/', { username: 'ada', password }, headers)
    t.is(login.headers.getSetCookie().length, count, site)
  }
})
