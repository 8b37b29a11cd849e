import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { examineIssuer, wellKnown } from '../../../src/admin/doctor/issuer.ts'
import { examinePorts } from '../../../src/admin/doctor/ports.ts'
import { startTestIssuer } from '../../support/in-process-issuer.ts'
import { selfSigned } from './self-signed.ts'

/** Listens on a free port until the test ends. */
async function listen(t: ExecutionContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function serve(t: ExecutionContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  t.teardown(() => server.closeAllConnections())
  return `http://127.0.0.1:${await listen(t, server)}`
}

/** A server that says of itself what an issuer would, except for what is given. */
function impostor(t: ExecutionContext, members: Readonly<Record<string, unknown>>, keys: unknown = []) {
  const started = serve(t, async (request, response) => {
    const issuer = await started
    const jwks = { keys }
    const metadata = { issuer, jwks_uri: `${issuer}/jwks`, ...members }
    response.end(JSON.stringify(request.url === '/jwks' ? jwks : metadata))
  })
  return started
}

async function failureOf(issuer: string, more: Partial<Parameters<typeof examineIssuer>[0]> = {}) {
  const findings = await examineIssuer({ issuer, currentKid: 'the-kid', ...more })
  const failures = findings.filter((finding) => finding.status === 'failure')
  return failures.length === 1 ? failures[0]?.message : JSON.stringify(findings)
}

test('the metadata of an issuer stand before its path (RFC 8414 §3.1)', (t) => {
  t.is(wellKnown('https://a.example'), 'https://a.example/.well-known/oauth-authorization-server')
  t.is(wellKnown('https://a.example/t/'), 'https://a.example/.well-known/oauth-authorization-server/t')
})

test('a real issuer is recognised, its key and its port too', async (t) => {
  const issuer = await startTestIssuer(t)
  const currentKid = (await issuer.administration.keys.list()).find((key) => key.state === 'current')?.kid
  const found = await examineIssuer({ issuer: issuer.url, currentKid })
  t.deepEqual(
    found.map((finding) => finding.status),
    ['ok'],
  )
  const port = Number(new URL(issuer.url).port)
  const listeners = {
    issuer: issuer.url,
    host: '0.0.0.0',
    port,
    adminHost: '127.0.0.1',
    adminPort: undefined,
  }
  t.is((await examinePorts(listeners))[0]?.status, 'ok')
  t.regex(
    (await examinePorts({ ...listeners, issuer: 'https://x.example' }))[0]?.message ?? '',
    /^Something else/,
  )
})

test('another issuer, keys of another database and a redirect are told apart', async (t) => {
  const other = await impostor(t, { issuer: 'https://other.example' })
  t.regex(
    (await failureOf(other)) ?? '',
    /is answered by the issuer "https:\/\/other\.example", not by "http:/,
  )
  t.regex((await failureOf(await impostor(t, { jwks_uri: undefined }))) ?? '', /names no jwks_uri/)
  t.regex(
    (await failureOf(await impostor(t, {}, [{ kid: 'x' }]))) ?? '',
    /does not have the key the-kid, which signs/,
  )
  t.regex((await failureOf(await impostor(t, {}, 'nonsense'))) ?? '', /does not have the key the-kid/)
  const redirecting = await serve(t, (_request, response) => {
    response.writeHead(301, { Location: 'https://www.example/' }).end()
  })
  t.regex(
    (await failureOf(redirecting)) ?? '',
    /is redirected to "https:\/\/www\.example\/", which services do not follow/,
  )
})

test('what is no issuer at all is told as such', async (t) => {
  const words = await serve(t, (_request, response) => response.end('<html>It works!</html>'))
  t.regex((await failureOf(words)) ?? '', /no JSON object: another server answers there/)
  const list = await serve(t, (_request, response) => response.end('[]'))
  t.regex((await failureOf(list)) ?? '', /no JSON object/)
  const endless = await serve(t, (_request, response) => response.end('"'.padEnd(2_000_000)))
  t.regex((await failureOf(endless)) ?? '', /no JSON object/)
  const missing = await serve(t, (_request, response) => response.writeHead(404).end())
  t.regex((await failureOf(missing)) ?? '', /is answered with 404: see that the proxy in front/)
  const silent = await serve(t, () => undefined)
  t.regex((await failureOf(silent, { patience: 100 })) ?? '', /did not answer in time/)
  const breaking = await serve(t, (request) => request.socket.destroy())
  t.regex((await failureOf(breaking)) ?? '', /broke the connection off/)
})

test('nobody there, no such name and TLS that fails are told by their reasons', async (t) => {
  const closed = createTcpServer()
  const port = await listen(t, closed)
  await new Promise((resolve) => closed.close(resolve))
  t.regex((await failureOf(`http://127.0.0.1:${port}`)) ?? '', /nothing listens there; start mintage serve/)
  t.regex((await failureOf('https://no-such-host.invalid')) ?? '', /its host name is not known; see to DNS/)
  const plain = await serve(t, (_request, response) => response.end('{}'))
  t.regex((await failureOf(plain.replace('http:', 'https:'))) ?? '', /does not speak TLS as it should/)
  const secure = createTlsServer(selfSigned, (_request, response) => response.end('{}'))
  const tls = await listen(t, secure)
  t.regex((await failureOf(`https://localhost:${tls}`)) ?? '', /has a certificate that nobody vouches for/)
})

for (const [code, said] of [
  ['CERT_HAS_EXPIRED', /has a certificate that has expired: renew it \(CERT_HAS_EXPIRED\)\.$/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /whose chain is not whole/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /has a certificate for another name/],
  ['EHOSTUNREACH', /there is no way to it/],
  ['UND_ERR_CONNECT_TIMEOUT', /did not answer in time/],
  ['ESOMETHING', /cannot be asked: fetch failed\.$/],
] as const) {
  test(`the error ${code} is explained`, async (t) => {
    const fetch = async () => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) })
    }
    t.regex((await failureOf('https://issuer.example', { fetch })) ?? '', said)
  })
}

test('an issuer whose clock is wrong is warned of', async (t) => {
  const issuer: string = await serve(t, (request, response) => {
    response.setHeader('Date', new Date(Date.now() - 60_000).toUTCString())
    const metadata = { issuer, jwks_uri: `${issuer}/jwks` }
    response.end(JSON.stringify(request.url === '/jwks' ? { keys: [{ kid: 'the-kid' }] } : metadata))
  })
  const findings = await examineIssuer({ issuer, currentKid: 'the-kid' })
  t.deepEqual(
    findings.map(({ check, status }) => [check, status]),
    [
      ['clock', 'warning'],
      ['issuer', 'ok'],
    ],
  )
})

test('a port that somebody else has, or nobody, is told apart', async (t) => {
  const taken = await listen(
    t,
    createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0\r\n')),
  )
  const closed = createTcpServer()
  const free = await listen(t, closed)
  await new Promise((resolve) => closed.close(resolve))
  const listeners = {
    issuer: 'https://issuer.example',
    host: '127.0.0.1',
    adminHost: '127.0.0.1',
    adminPort: undefined,
  }
  t.regex(
    (await examinePorts({ ...listeners, port: taken }))[0]?.message ?? '',
    /^Something else listens on .*MINTAGE_PORT\.$/,
  )
  t.regex((await examinePorts({ ...listeners, port: free }))[0]?.message ?? '', /^Nothing listens on/)
  const both = await examinePorts({ ...listeners, port: free, adminPort: taken })
  t.deepEqual(
    both.map((finding) => finding.status),
    ['warning', 'failure'],
  )
  t.deepEqual(await examinePorts({ ...listeners, port: 0 }), [])
})
