import test from 'ava'
import { eventually } from '../support/eventually.ts'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { basic, post } from '../support/oauth.ts'
import { exchange, openRaw, statuses } from '../support/raw-http.ts'
import { listSessions } from '../support/requests.ts'

const get = (path: string, ...headers: readonly string[]) =>
  `GET ${path} HTTP/1.1\r\nHost: issuer\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`

const formHead = (...headers: readonly string[]) =>
  [
    'POST /oauth2/token HTTP/1.1',
    'Host: issuer',
    'Content-Type: application/x-www-form-urlencoded',
    ...headers,
    '\r\n',
  ].join('\r\n')

test('security 38: a request line or headers over 16 KiB are answered with 431', async (t) => {
  const { url } = await startTestIssuer(t)
  for (const request of [
    get('/livez', `X-Long: ${'x'.repeat(17_000)}`),
    get(`/livez?${'x'.repeat(17_000)}`),
    get('/livez', ...Array.from({ length: 20 }, (_, index) => `X-${index}: ${'x'.repeat(1_000)}`)),
  ]) {
    const answer = await exchange(url, request)
    t.deepEqual(statuses(answer), [431])
    t.regex(answer, /\r\nConnection: close\r\n/)
  }
  t.is((await fetch(`${url}/livez`)).status, 200)
})

test('security 38: more than 100 headers are answered with 431, where Node would drop the rest in silence', async (t) => {
  const issuer = await startTestIssuer(t)
  const form = 'grant_type=client_credentials'
  const headers = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: 1`)
  const send = (count: number) =>
    exchange(
      issuer.url,
      formHead(
        `Content-Length: ${form.length}`,
        ...headers(count),
        `Authorization: ${basic(issuer.service).Authorization}`,
        'Connection: close',
      ) + form,
    )
  const most = 100 - 5
  t.deepEqual(statuses(await send(most)), [200])
  for (const count of [most + 1, most + 2, 1_000]) {
    const refused = await send(count)
    t.deepEqual(statuses(refused), [431])
    t.regex(refused, /\r\nCache-Control: no-store\r\n/)
    t.regex(refused, /\r\nConnection: close\r\n/)
  }
})

test('security 38: a body over 64 KiB is answered with 413 and the connection closes', async (t) => {
  const { url } = await startTestIssuer(t)
  const large = 'x'.repeat(70_000)
  for (const request of [
    formHead(`Content-Length: ${large.length}`) + large,
    formHead('Transfer-Encoding: chunked') + `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
    // The head alone is enough: nobody waits for a body that will be refused.
    formHead('Content-Length: 1000000000'),
    formHead('Content-Length: 1000000000000'),
  ]) {
    const answer = await exchange(url, request)
    t.deepEqual(statuses(answer), [413])
    t.regex(answer, /\r\nConnection: close\r\n/)
    t.regex(answer, /\r\nCache-Control: no-store\r\n/)
    t.regex(answer, /"error":"invalid_request"/)
  }
})

test('security 38: a client that sends far too much still reads its 413', async (t) => {
  const { url } = await startTestIssuer(t)
  for (let round = 0; round < 10; round++) {
    const answer = await post(`${url}/oauth2/token`, { grant_type: 'x'.repeat(3_000_000) })
    t.is(answer.status, 413)
  }
})

test('security 38: a body of 64 KiB exactly is read', async (t) => {
  const issuer = await startTestIssuer(t)
  const form = { grant_type: 'client_credentials', padding: '' }
  form.padding = 'x'.repeat(65_536 - 'grant_type=client_credentials&padding='.length)
  t.is((await post(`${issuer.url}/oauth2/token`, form, basic(issuer.service))).status, 200)
})

test('security 38: a compressed body counts by its size when unpacked', async (t) => {
  const { url } = await startTestIssuer(t)
  const { gzipSync } = await import('node:zlib')
  const response = await fetch(`${url}/oauth2/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Encoding': 'gzip' },
    body: gzipSync('x'.repeat(10_000_000)),
  })
  t.is(response.status, 413)
})

test.serial('security 38: slow heads, slow bodies and silent connections are cut', async (t) => {
  const { url } = await startTestIssuer(t)
  const silent = await openRaw(url)
  const slowHead = await openRaw(url)
  slowHead.send('GET /livez HTTP/1.1\r\nHost: issuer\r\n')
  const slowBody = await openRaw(url)
  slowBody.send(formHead('Content-Length: 100'))
  const drip = setInterval(() => {
    slowHead.send('X-Drip: 1\r\n')
    slowBody.send('x')
  }, 1_000)
  const answers = await Promise.all([silent.closed(), slowHead.closed(), slowBody.closed()])
  clearInterval(drip)
  for (const answer of answers) t.deepEqual(statuses(answer), [408])
})

test('security 38: connections past the limit are answered with 503 and nothing else', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_MAX_CONNECTIONS: '2' } })
  const held = [await openRaw(issuer.url), await openRaw(issuer.url)]
  for (const connection of held) {
    connection.send(get('/livez'))
    await connection.until(/alive/)
  }
  for (let round = 0; round < 10; round++) {
    const refused = await exchange(issuer.url, get('/livez'))
    t.deepEqual(statuses(refused), [503])
    t.regex(refused, /\r\nRetry-After: \d+\r\n/)
    t.notRegex(refused, /alive/)
  }
  for (const connection of held) connection.socket.destroy()
  const again = await eventually(
    async () => statuses(await exchange(issuer.url, get('/livez', 'Connection: close'))),
    (answered) => answered[0] === 200,
  )
  t.deepEqual(again, [200])
})

test('security 38: a request on a refused connection is not carried out', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_MAX_CONNECTIONS: '1' } })
  const held = await openRaw(issuer.url)
  held.send(get('/livez'))
  await held.until(/alive/)
  const form = 'grant_type=password&client_id=app&username=ada&password=correct+horse+battery+staple'
  const login = formHead(`Content-Length: ${form.length}`) + form
  const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(issuer.url, login)))
  for (const answer of answers) t.deepEqual(statuses(answer), [503])
  t.deepEqual(await listSessions(issuer), [])
})

test('security 38: a malformed request is answered with 400', async (t) => {
  const { url } = await startTestIssuer(t)
  for (const request of [
    'not http at all\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    'GET /livez HTTP/1.1\r\n\r\n',
    'GET /livez HTTP/1.1\r\nHost: issuer\r\nBroken header\r\n\r\n',
    'GET /livez HTTP/1.1\r\nHost: issuer\r\nX: a\0b\r\n\r\n',
    formHead('Content-Length: 3', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    formHead('Content-Length: 3', 'Content-Length: 4') + 'abc',
    formHead('Content-Length: -1') + 'abc',
    formHead('Transfer-Encoding: chunked') + 'zz\r\n',
  ]) {
    const answer = await exchange(url, request)
    t.deepEqual(statuses(answer), [400], JSON.stringify(request))
    t.regex(answer, /\r\nConnection: close\r\n/i)
  }
  t.is((await fetch(`${url}/livez`)).status, 200)
})

test('a malformed request behind a good one leaves the good one its answer', async (t) => {
  const issuer = await startTestIssuer(t)
  const form = 'grant_type=password&client_id=app&username=ada&password=correct+horse+battery+staple'
  const answer = await exchange(
    issuer.url,
    `${formHead(`Content-Length: ${form.length}`)}${form}NONSENSE\r\n\r\n`,
  )
  t.deepEqual(statuses(answer), [200, 400])
  t.regex(answer, /"access_token"/)
})
