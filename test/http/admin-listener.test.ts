import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'
import { read } from '../support/oauth.ts'
import { exchange, statuses } from '../support/raw-http.ts'

test('the admin listener answers metrics and health, and nothing else', async (t) => {
  const { adminUrl, url } = await startTestIssuer(t, { environment: { MINTAGE_ADMIN_PORT: '0' } })
  t.not(adminUrl, url)
  const metrics = await read(await fetch(`${adminUrl}/metrics`))
  t.is(metrics.status, 200)
  t.is(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.is(metrics.headers.get('cache-control'), 'no-store')
  t.regex(metrics.text, /^# TYPE mintage_tokens_issued_total counter$/m)
  t.deepEqual((await read(await fetch(`${adminUrl}/livez`))).body, { status: 'alive' })
  t.deepEqual((await read(await fetch(`${adminUrl}/readyz`))).body, { status: 'ready' })
  for (const path of ['/', '/metrics/x', '/oauth2/token', '/.well-known/jwks.json', '/admin']) {
    t.is((await fetch(adminUrl + path)).status, 404, path)
  }
  t.is((await fetch(`${adminUrl}/metrics`, { method: 'POST', body: 'x' })).status, 405)
})

test('the public listener has no metrics', async (t) => {
  const { url } = await startTestIssuer(t, { environment: { MINTAGE_ADMIN_PORT: '0' } })
  t.is((await fetch(`${url}/metrics`)).status, 404)
})

test('security 38: the admin listener has the limits of the public one', async (t) => {
  const { adminUrl } = await startTestIssuer(t, { environment: { MINTAGE_ADMIN_PORT: '0' } })
  const long = `GET /livez HTTP/1.1\r\nHost: issuer\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`
  t.deepEqual(statuses(await exchange(adminUrl, long)), [431])
})

test('an admin listener that cannot be had stops the start, and says which setting to change', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { code, stderr } = await runMintage(['serve'], {
    ...serveEnvironment(makeDirectory(t)),
    MINTAGE_ADMIN_PORT: String(port),
  })
  t.is(code, 1)
  t.is(
    stderr,
    `mintage: 127.0.0.1:${port} is in use: stop what listens there, or choose another port (MINTAGE_ADMIN_PORT, off for none).\n`,
  )
})

test('the default port of the admin listener being taken stops no start, and is told', async (t) => {
  // Whoever listens there, this test or another program, it is taken.
  const other = createServer().listen(8081, '127.0.0.1')
  t.teardown(() => other.close())
  await Promise.race([once(other, 'listening'), once(other, 'error')]).catch(() => undefined)
  const { MINTAGE_ADMIN_PORT: _, ...environment } = serveEnvironment(makeDirectory(t))
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  t.is((await fetch(`${issuer.url}/livez`)).status, 200)
  t.regex(issuer.stdout(), /"event":"admin\.unavailable","message":"127\.0\.0\.1:8081 is in use/)
})

test('serve tells where its admin listener is, and closes it at its end', async (t) => {
  const issuer = await startChildIssuer(['serve'], {
    ...serveEnvironment(makeDirectory(t)),
    MINTAGE_ADMIN_PORT: '0',
  })
  t.teardown(() => issuer.end('SIGKILL'))
  const lines = issuer.stdout().trimEnd().split('\n')
  const told = lines.map((line) => JSON.parse(line)).find(({ event }) => event === 'admin.listening')
  t.is((await fetch(`${told.url}/metrics`)).status, 200)
  t.is(await issuer.end(), 0)
  await t.throwsAsync(fetch(`${told.url}/livez`))
})

test('dev has an admin listener only when it is asked for one', async (t) => {
  const dev = (environment: Readonly<Record<string, string>>) =>
    startChildIssuer(['dev', '--json', '--port', '0', '--data', makeDirectory(t)], environment)
  const without = await dev({})
  t.teardown(() => without.end('SIGKILL'))
  await without.end()
  t.notRegex(without.output(), /admin\.listening/)
  const asked = await dev({ MINTAGE_ADMIN_PORT: '0' })
  t.teardown(() => asked.end('SIGKILL'))
  await asked.end()
  t.regex(asked.output(), /"event":"admin\.listening","url":"http:\/\/127\.0\.0\.1:\d+"/)
})
