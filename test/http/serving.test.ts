import test from 'ava'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { basic, post, read } from '../support/oauth.ts'
import { exchange, openRaw, statuses } from '../support/raw-http.ts'

const form = 'grant_type=client_credentials'

function tokenRequest(authorization: string, ...headers: readonly string[]): string {
  return [
    'POST /oauth2/token HTTP/1.1',
    'Host: issuer',
    `Authorization: ${authorization}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${form.length}`,
    ...headers,
    '\r\n',
  ].join('\r\n')
}

test('security 38: every answer carries the security headers and a request id', async (t) => {
  const issuer = await startTestIssuer(t)
  const answers = [
    await fetch(`${issuer.url}/livez`),
    await fetch(`${issuer.url}/.well-known/jwks.json`),
    await fetch(`${issuer.url}/nowhere`),
    await fetch(`${issuer.url}/oauth2/token`),
    await fetch(`${issuer.url}/oauth2/token`, { method: 'POST' }),
  ]
  const ids = new Set<string | null>()
  for (const { headers } of answers) {
    t.is(headers.get('x-content-type-options'), 'nosniff')
    t.is(headers.get('x-frame-options'), 'DENY')
    t.is(headers.get('referrer-policy'), 'no-referrer')
    t.regex(headers.get('content-security-policy') ?? '', /default-src 'none'/)
    t.is(headers.get('x-powered-by'), null)
    t.is(headers.get('server'), null)
    t.regex(headers.get('x-request-id') ?? '', /^[\w-]{16,}$/)
    ids.add(headers.get('x-request-id'))
  }
  t.is(ids.size, answers.length)
})

test('strict transport security is asked for by an https issuer only', async (t) => {
  const plain = await startTestIssuer(t)
  t.is((await fetch(`${plain.url}/livez`)).headers.get('strict-transport-security'), null)
  const secure = await startTestIssuer(t, { issuer: 'https://issuer.example' })
  t.regex(
    (await fetch(`${secure.url}/livez`)).headers.get('strict-transport-security') ?? '',
    /^max-age=\d+$/,
  )
})

test("a proxy's request id is kept when it is one, and replaced when it is anything else", async (t) => {
  const { url } = await startTestIssuer(t)
  const ask = async (id: string) =>
    (await fetch(`${url}/livez`, { headers: { 'X-Request-Id': id } })).headers.get('x-request-id') ?? ''
  t.is(await ask('0af7651916cd43dd8448eb211c80319c'), '0af7651916cd43dd8448eb211c80319c')
  t.is(await ask('a.b_c-1'), 'a.b_c-1')
  for (const hostile of ['<script>', 'x'.repeat(65), '{"event":"forged"}', 'a b', 'a,b', '\u00e9', '']) {
    const given = await ask(hostile)
    t.not(given, hostile)
    t.regex(given, /^[\w-]{16,}$/)
  }
  const twice = await exchange(
    url,
    'GET /livez HTTP/1.1\r\nHost: i\r\nConnection: close\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n\r\n',
  )
  t.regex(twice, /\r\nX-Request-Id: [\w-]{16,}\r\n/)
})

test('an unknown path is 404 and a wrong method 405, both JSON that is not kept', async (t) => {
  const { url } = await startTestIssuer(t)
  for (const path of [
    '/',
    '/nowhere',
    '/oauth2',
    '/oauth2/token/x',
    '/.well-known/',
    '/..%2f..%2fetc/passwd',
  ]) {
    const answer = await read(await fetch(url + path))
    t.is(answer.status, 404, path)
    t.is(answer.body['error'], 'invalid_request')
    t.is(answer.headers.get('cache-control'), 'no-store')
  }
  for (const [method, path, allowed] of [
    ['GET', '/oauth2/token', /POST/],
    ['PUT', '/oauth2/introspect', /POST/],
    ['DELETE', '/oauth2/revoke', /POST/],
    ['POST', '/.well-known/jwks.json', /GET/],
    ['POST', '/livez', /GET/],
  ] as const) {
    const answer = await read(await fetch(url + path, { method }))
    t.is(answer.status, 405, path)
    t.is(answer.body['error'], 'invalid_request')
    t.regex(answer.headers.get('allow') ?? '', allowed)
    t.is(answer.headers.get('cache-control'), 'no-store')
  }
})

test('a path with a broken escape is refused and nothing fails', async (t) => {
  const { url } = await startTestIssuer(t)
  for (const path of ['/%', '/%ff', '/%00', '/oauth2/%zz', '//evil.example/livez', '/livez/%c0%af', '*']) {
    const answer = await exchange(url, `GET ${path} HTTP/1.1\r\nHost: i\r\nConnection: close\r\n\r\n`)
    const [status = 0] = statuses(answer)
    t.true(status === 400 || status === 404, `${path}: ${status}`)
  }
})

test('HEAD answers as GET does, without a body', async (t) => {
  const { url } = await startTestIssuer(t)
  for (const path of [
    '/.well-known/jwks.json',
    '/.well-known/oauth-authorization-server',
    '/livez',
    '/nowhere',
  ]) {
    const [head, get] = [await fetch(url + path, { method: 'HEAD' }), await fetch(url + path)]
    t.is(head.status, get.status, path)
    t.is(head.headers.get('content-type'), get.headers.get('content-type'))
    t.is(head.headers.get('etag'), get.headers.get('etag'))
    t.is(await head.text(), '')
  }
})

test('OPTIONS names the methods, and a method that nobody knows changes nothing', async (t) => {
  const issuer = await startTestIssuer(t)
  const options = await fetch(`${issuer.url}/oauth2/token`, { method: 'OPTIONS' })
  t.is(options.status, 200)
  t.regex(options.headers.get('allow') ?? '', /POST/)
  // Nobody is let in from another origin unless it was configured.
  t.is(options.headers.get('access-control-allow-origin'), null)
  const purge = await exchange(
    issuer.url,
    'PURGE /oauth2/token HTTP/1.1\r\nHost: i\r\nConnection: close\r\n\r\n',
  )
  t.true([405, 501].includes(statuses(purge)[0] ?? 0))
  const unknown = await exchange(issuer.url, 'FROB /oauth2/token HTTP/1.1\r\nHost: i\r\n\r\n')
  t.deepEqual(statuses(unknown), [400])
  const tunnel = await exchange(issuer.url, 'CONNECT db.internal:5432 HTTP/1.1\r\nHost: i\r\n\r\n')
  t.deepEqual(
    statuses(tunnel).filter((status) => status < 400),
    [],
  )
})

test('pipelined requests are answered in their order on one connection', async (t) => {
  const issuer = await startTestIssuer(t)
  const { Authorization } = basic(issuer.service)
  const login = tokenRequest(Authorization) + form
  const jwks = 'GET /.well-known/jwks.json HTTP/1.1\r\nHost: i\r\n\r\n'
  const last = 'GET /nowhere HTTP/1.1\r\nHost: i\r\nConnection: close\r\n\r\n'
  const answer = await exchange(issuer.url, login + jwks + login + last)
  t.deepEqual(statuses(answer), [200, 200, 200, 404])
  t.deepEqual(
    [...answer.matchAll(/"(access_token|keys|error)":/g)].map((match) => match[1]),
    ['access_token', 'keys', 'access_token', 'error'],
  )
})

test('a connection is kept for the next request, after an error too', async (t) => {
  const issuer = await startTestIssuer(t)
  const connection = await openRaw(issuer.url)
  for (let round = 1; round <= 3; round++) {
    connection.send(tokenRequest('Basic !!!') + form)
    await connection.until(new RegExp(`(invalid_client[^]*){${round}}`))
  }
  connection.send(tokenRequest(basic(issuer.service).Authorization) + form)
  t.deepEqual(statuses(await connection.until(/access_token/)), [401, 401, 401, 200])
  connection.socket.destroy()
})

test('who expects 100-continue is told to go on, and who expects anything else is refused', async (t) => {
  const issuer = await startTestIssuer(t)
  const { Authorization } = basic(issuer.service)
  const connection = await openRaw(issuer.url)
  connection.send(tokenRequest(Authorization, 'Expect: 100-continue', 'Connection: close'))
  await connection.until(/100 Continue/)
  connection.send(form)
  t.deepEqual(statuses(await connection.closed()), [100, 200])
  const other = await exchange(
    issuer.url,
    tokenRequest(Authorization, 'Expect: a miracle', 'Connection: close') + form,
  )
  t.deepEqual(statuses(other), [417])
})

test('a client that goes away in the middle harms nobody', async (t) => {
  const issuer = await startTestIssuer(t)
  const { Authorization } = basic(issuer.service)
  for (let round = 0; round < 20; round++) {
    const connection = await openRaw(issuer.url)
    connection.send(tokenRequest(Authorization) + form.slice(0, round))
    if (round % 2 === 0) connection.socket.resetAndDestroy()
    else connection.socket.destroy()
  }
  const answer = await post(
    `${issuer.url}/oauth2/token`,
    { grant_type: 'client_credentials' },
    basic(issuer.service),
  )
  t.is(answer.status, 200)
})
