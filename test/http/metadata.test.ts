import { request } from 'node:http'
import test from 'ava'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { basic, decodeClaims, post } from '../support/oauth.ts'

/** Gets a path as it is written, with headers that fetch would not send. */
function get(url: string, path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject).end()
  })
}

const issuers: readonly (readonly [issuer: string, base: string, path: string])[] = [
  ['https://issuer.example', 'https://issuer.example', ''],
  ['https://issuer.example/', 'https://issuer.example', ''],
  ['https://Issuer.Example:8443', 'https://Issuer.Example:8443', ''],
  ['https://issuer.example/tenant/one', 'https://issuer.example/tenant/one', '/tenant/one'],
  ['https://issuer.example/Tenant/', 'https://issuer.example/Tenant', '/Tenant'],
  ['https://issuer.example/a:b/(c)+d/*e', 'https://issuer.example/a:b/(c)+d/*e', '/a:b/(c)+d/*e'],
]

const forged = {
  Host: 'evil.example',
  Forwarded: 'for=1.2.3.4;host=evil.example;proto=http',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-Port': '666',
  'X-Forwarded-Prefix': '/evil',
  'X-Forwarded-For': '6.6.6.6',
  'X-Original-URL': '/evil',
}

for (const [issuer, base, path] of issuers) {
  test(`security 27: the metadata of ${issuer} names it byte for byte, whatever headers say`, async (t) => {
    const { url, service } = await startTestIssuer(t, { issuer })
    const locations = new Set([
      `/.well-known/oauth-authorization-server${path}`,
      `/.well-known/openid-configuration${path}`,
      `${path}/.well-known/openid-configuration`,
    ])
    for (const location of locations) {
      for (const headers of [{}, forged]) {
        const { status, body } = await get(url, location, headers)
        t.is(status, 200, location)
        t.notRegex(body, /evil|666/)
        const metadata = JSON.parse(body)
        t.is(metadata.issuer, issuer)
        t.is(metadata.token_endpoint, `${base}/oauth2/token`)
        t.is(metadata.jwks_uri, `${base}/.well-known/jwks.json`)
        t.is(metadata.introspection_endpoint, `${base}/oauth2/introspect`)
        t.is(metadata.revocation_endpoint, `${base}/oauth2/revoke`)
        t.deepEqual(metadata.scopes_supported, ['orders:read', 'orders:write'])
        t.deepEqual(metadata.response_types_supported, [])
      }
    }
    // The endpoints are where the metadata says, and a token says the same issuer.
    t.is((await get(url, `${path}/.well-known/jwks.json`)).status, 200)
    const form = { grant_type: 'client_credentials' }
    const headers = { ...basic(service), ...forged }
    const { Host, ...sendable } = headers
    t.is(Host, 'evil.example')
    const answer = await post(`${url}${path}/oauth2/token`, form, sendable)
    t.is(decodeClaims(String(answer.body['access_token']))['iss'], issuer)
  })
}

test('the metadata answers HEAD, may be kept, and is JSON', async (t) => {
  const { url } = await startTestIssuer(t)
  const location = `${url}/.well-known/oauth-authorization-server`
  const response = await fetch(location)
  t.regex(response.headers.get('content-type') ?? '', /^application\/json/)
  t.regex(response.headers.get('cache-control') ?? '', /^public, max-age=\d+$/)
  const head = await fetch(location, { method: 'HEAD' })
  t.is(head.status, 200)
  t.is(head.headers.get('content-length'), response.headers.get('content-length'))
  t.is((await fetch(location, { method: 'POST' })).status, 405)
})

test('a path that is not the issuer’s has no metadata', async (t) => {
  const { url } = await startTestIssuer(t, { issuer: 'https://issuer.example/tenant' })
  for (const location of [
    '/.well-known/oauth-authorization-server/other',
    '/other/.well-known/openid-configuration',
  ]) {
    t.is((await get(url, location)).status, 404)
  }
})
