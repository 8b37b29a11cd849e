import test from 'ava'
import { openTestIssuer, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic, post } from '../support/oauth.ts'
import { ask, login } from '../support/requests.ts'

const origin = 'https://app.example'
let issuer: TestIssuer

test.before(async () => {
  issuer = await openTestIssuer({
    environment: { MINTAGE_CORS_ORIGINS: `${origin}, https://other.example`, MINTAGE_ADMIN_PORT: '0' },
  })
})
test.after.always(() => issuer.stop())

/** Those headers of an answer that a browser asks before it shows the answer to a script. */
function corsHeaders(headers: Headers): Readonly<Record<string, string>> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))
}

function preflight(url: string, from: string, method = 'POST', headers = 'authorization'): Promise<Response> {
  return fetch(url, {
    method: 'OPTIONS',
    headers: {
      Origin: from,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': headers,
    },
  })
}

test('a script of a configured origin may ask for a token and revoke it, with the cookies of its site', async (t) => {
  for (const endpoint of ['token', 'revoke']) {
    const asked = await preflight(`${issuer.url}/oauth2/${endpoint}`, origin)
    t.is(asked.status, 204)
    t.is(asked.headers.get('vary'), 'Origin')
    t.deepEqual(corsHeaders(asked.headers), {
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Authorization,Content-Type,Idempotency-Key,Last-Event-ID,X-Request-Id',
      'access-control-max-age': '600',
    })
  }
  const pair = await login(issuer)
  for (const answer of [
    await ask(
      issuer,
      'token',
      { grant_type: 'client_credentials' },
      { ...basic(issuer.service), Origin: origin },
    ),
    await ask(issuer, 'revoke', { token: pair.access_token }, { ...basic(issuer.service), Origin: origin }),
  ]) {
    t.is(answer.status, 200)
    t.is(answer.headers.get('access-control-allow-origin'), origin)
    t.is(answer.headers.get('access-control-allow-credentials'), 'true')
    t.regex(answer.headers.get('vary') ?? '', /\bOrigin\b/)
  }
})

test('a script may read why it was refused', async (t) => {
  const token = `${issuer.url}/oauth2/token`
  const forms = [{ grant_type: 'nothing' }, { grant_type: 'client_credentials', x: 'x'.repeat(70_000) }]
  for (const form of forms) {
    const refused = await post(token, form, { ...basic(issuer.service), Origin: origin })
    t.true(refused.status >= 400)
    t.is(refused.headers.get('access-control-allow-origin'), origin)
    t.regex(refused.headers.get('access-control-expose-headers') ?? '', /Retry-After/)
  }
})

test('any other origin is told nothing, however it resembles a configured one', async (t) => {
  const strangers = [
    'null',
    '*',
    'http://app.example',
    'https://app.example:8443',
    'https://app.example.evil.example',
    'https://evil.example',
    'HTTPS://APP.EXAMPLE',
    'https://app.example/',
  ]
  for (const stranger of strangers) {
    const asked = await preflight(`${issuer.url}/oauth2/token`, stranger)
    t.deepEqual(corsHeaders(asked.headers), {}, stranger)
    const form = { grant_type: 'client_credentials' }
    const answer = await ask(issuer, 'token', form, { ...basic(issuer.service), Origin: stranger })
    t.deepEqual(corsHeaders(answer.headers), {}, stranger)
    t.regex(answer.headers.get('vary') ?? '', /\bOrigin\b/, stranger)
  }
})

test('introspection, health and the admin listener are for no browser', async (t) => {
  for (const url of [
    `${issuer.url}/oauth2/introspect`,
    `${issuer.url}/readyz`,
    `${issuer.url}/livez`,
    `${issuer.adminUrl}/metrics`,
  ]) {
    t.deepEqual(corsHeaders((await preflight(url, origin)).headers), {}, url)
    t.deepEqual(corsHeaders((await fetch(url, { headers: { Origin: origin } })).headers), {}, url)
  }
})

test('public documents are open to every origin, once any is configured', async (t) => {
  for (const path of [
    '/.well-known/jwks.json',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
  ]) {
    const answer = await fetch(issuer.url + path, { headers: { Origin: 'https://anybody.example' } })
    t.is(answer.status, 200)
    t.is(answer.headers.get('access-control-allow-origin'), '*')
    t.is(answer.headers.get('vary'), null, 'One answer for all is cached once.')
    t.is(answer.headers.get('access-control-allow-credentials'), null)
    const asked = await preflight(issuer.url + path, 'https://anybody.example', 'GET', 'if-none-match')
    t.is(asked.status, 204)
    t.is(asked.headers.get('access-control-allow-methods'), 'GET')
  }
})

test('without configured origins no answer speaks of origins', async (t) => {
  const closed = await startTestIssuer(t)
  for (const path of ['/oauth2/token', '/.well-known/jwks.json']) {
    const asked = await preflight(closed.url + path, origin)
    t.deepEqual(corsHeaders(asked.headers), {}, path)
    const answer = await fetch(closed.url + path, { headers: { Origin: origin } })
    t.deepEqual(corsHeaders(answer.headers), {}, path)
    t.is(answer.headers.get('vary'), null, path)
  }
})
