import test from 'ava'
import { CookieJar } from '../../support/cookie-jar.ts'
import { audience, openTestIssuer, password, type TestIssuer } from '../../support/in-process-issuer.ts'
import { post } from '../../support/oauth.ts'
import { auditTypes } from '../../support/requests.ts'

const friend = 'https://app.example'
let issuer: TestIssuer

test.before(async () => {
  issuer = await openTestIssuer({ environment: { MINTAGE_CORS_ORIGINS: friend } })
  await issuer.administration.clients.create('web', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
    cookies: 'strict',
  })
})
test.after.always(() => issuer.stop())

type Fields = Readonly<Record<string, string>>

const credentials = { client_id: 'web', grant_type: 'password', username: 'ada', password }

/** What browsers say of a page, and whether it may act. */
function pages(): readonly (readonly [string, Fields, boolean])[] {
  const own = issuer.url
  return [
    ['own page', { Origin: own, 'Sec-Fetch-Site': 'same-origin' }, true],
    ['own page of a browser without Origin on it', { 'Sec-Fetch-Site': 'same-origin' }, true],
    ['own page of an older browser', { Origin: own }, true],
    ['listed page of the site', { Origin: friend, 'Sec-Fetch-Site': 'same-site' }, true],
    ['listed page of an older browser', { Origin: friend }, true],
    ['listed page of another site', { Origin: friend, 'Sec-Fetch-Site': 'cross-site' }, false],
    ['other page of the site', { Origin: 'https://evil.app.example', 'Sec-Fetch-Site': 'same-site' }, false],
    ['page of the site without Origin', { 'Sec-Fetch-Site': 'same-site' }, false],
    ['page of another site', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, false],
    ['page of another site in an older browser', { Origin: 'https://evil.example' }, false],
    ['sandboxed frame', { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }, false],
    ['null origin that calls itself the same', { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' }, false],
    ['null origin', { Origin: 'null' }, false],
    ['nobody', {}, false],
    ['nobody with what no form sends', { 'X-Requested-With': 'XMLHttpRequest' }, false],
    ['the address bar', { 'Sec-Fetch-Site': 'none' }, false],
    ['own page, and another', { Origin: `${own}, https://evil.example` }, false],
    ['a page that says both', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'same-origin' }, false],
    ['own host by another scheme', { Origin: own.replace('http:', 'https:') }, false],
    ['own host with a slash', { Origin: `${own}/` }, false],
    ['the host that the request names', { Origin: 'http://localhost', Host: 'localhost' }, false],
  ]
}

test('a login, a refresh and a logout are for pages that may, and have no effect for others', async (t) => {
  for (const [name, headers, may] of pages()) {
    const own = { Origin: issuer.url }
    const jar = new CookieJar()
    jar.keep((await post(`${issuer.url}/oauth2/token`, credentials, own)).headers)
    const before = await auditTypes(issuer)
    const kept = jar.headerFor('/oauth2/token')
    const requests = [
      ['token', credentials, {}],
      ['token', { client_id: 'web', grant_type: 'refresh_token' }, kept],
      ['revoke', { client_id: 'web' }, kept],
    ] as const
    for (const [endpoint, form, cookie] of requests) {
      const answer = await post(`${issuer.url}/oauth2/${endpoint}`, form, { ...cookie, ...headers })
      t.is(answer.status, may ? 200 : 403, `${name}: ${endpoint} ${answer.text}`)
      if (may) {
        jar.keep(answer.headers)
        continue
      }
      t.is(answer.body['error'], 'access_denied', name)
      t.deepEqual(answer.headers.getSetCookie(), [], name)
      t.is(answer.headers.get('cache-control'), 'no-store', 'row 3')
    }
    if (may) continue
    t.deepEqual(await auditTypes(issuer), before, `${name}: nothing happened`)
    const again = { client_id: 'web', grant_type: 'refresh_token' }
    t.is((await post(`${issuer.url}/oauth2/token`, again, { ...kept, ...own })).status, 200, name)
  }
})

test('whether the password was right is not told to a page that may not ask', async (t) => {
  const headers = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }
  const url = `${issuer.url}/oauth2/token`
  const right = await post(url, credentials, headers)
  const wrong = await post(url, { ...credentials, password: 'wrong' }, headers)
  t.is(right.text, wrong.text)
  t.false((await auditTypes(issuer)).includes('login.failed'))
})

test('scripts of listed origins may send cookies along and read the answer; those of others may not', async (t) => {
  for (const [origin, allowed] of [
    [friend, 'true'],
    ['https://evil.example', null],
    ['null', null],
  ] as const) {
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'POST' }
    for (const endpoint of ['token', 'revoke']) {
      const asked = await fetch(`${issuer.url}/oauth2/${endpoint}`, { method: 'OPTIONS', headers })
      t.is(asked.headers.get('access-control-allow-credentials'), allowed, `${origin} ${endpoint}`)
      t.is(asked.headers.get('access-control-allow-origin'), allowed && origin)
    }
  }
})

test('an issuer with a path has its refresh cookie below it, and its origin without it', async (t) => {
  const there = await openTestIssuer({ issuer: 'https://example.org/auth' })
  t.teardown(there.stop)
  await there.administration.clients.create('a/b@c', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
    cookies: 'strict',
  })
  const headers = { Origin: 'https://example.org' }
  for (const prefix of ['', '/auth']) {
    const answer = await post(
      `${there.url}${prefix}/oauth2/token`,
      { ...credentials, client_id: 'a/b@c' },
      headers,
    )
    t.is(answer.status, 200)
    const [refresh = '', access = ''] = answer.headers.getSetCookie()
    t.regex(access, /^__Host-a%2Fb%40c-access=[\w.-]+; Path=\/; /)
    t.regex(refresh, /^__Secure-a%2Fb%40c-refresh=[\w-]+; Path=\/auth\/oauth2; /)
  }
})
