import { rmSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type ChildIssuer, startChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic } from '../support/oauth.ts'
import { ask, login, refresh } from '../support/requests.ts'

interface Span {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parent?: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code: number; readonly message?: string }
  readonly events: readonly unknown[]
}

const serverKind = 1
const errorStatus = 2
const preload = new URL('../support/preload-tracing.js', import.meta.url).href

/** A server with a real SDK, and its service client. */
async function startTraced(t: ExecutionContext) {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const { service } = await registerAccounts(environment)
  const child = await startChildIssuer(['serve'], { ...environment, NODE_OPTIONS: `--import ${preload}` })
  t.teardown(() => child.end('SIGKILL'))
  return { child, issuer: { url: child.url, service }, directory }
}

function spansOf(child: ChildIssuer): readonly Span[] {
  const lines = child.output().split('\n')
  return lines.filter((line) => line.startsWith('{"span"')).map((line) => JSON.parse(line).span)
}

/** The server spans of a route and the spans below each, by name. */
function trees(spans: readonly Span[], route: string) {
  const servers = spans.filter(
    ({ kind, attributes }) => kind === serverKind && attributes['http.route'] === route,
  )
  return servers.map((server) => ({
    server,
    children: spans.filter(({ parent }) => parent === server.spanId).map(({ name }) => name),
  }))
}

test('a preloaded SDK sees a span per request, and below it what the request waited for', async (t) => {
  const { child, issuer } = await startTraced(t)
  const pair = await login(issuer)
  await refresh(issuer, pair.refresh_token)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await fetch(`${child.url}/.well-known/jwks.json`, { headers: { traceparent } })
  await fetch(`${child.url}/canary-path`)
  await eventually(
    async () => spansOf(child).filter(({ kind }) => kind === serverKind),
    (servers) => servers.length >= 4,
  )
  const spans = spansOf(child)

  const [loggedIn, refreshed] = trees(spans, '/oauth2/token')
  t.is(loggedIn?.server.name, 'POST /oauth2/token')
  t.deepEqual(loggedIn?.server.attributes, {
    'http.request.method': 'POST',
    'http.route': '/oauth2/token',
    'url.path': '/oauth2/token',
    'http.response.status_code': 200,
  })
  t.deepEqual(loggedIn?.children, ['hash password', 'database transaction', 'sign token'])
  t.deepEqual(refreshed?.children, ['database redemption', 'sign token'])
  t.not(loggedIn?.server.traceId, refreshed?.server.traceId)

  const [jwks] = trees(spans, '/.well-known/jwks.json')
  t.is(jwks?.server.traceId, '0af7651916cd43dd8448eb211c80319c')
  t.is(jwks?.server.parent, 'b7ad6b7169203331')

  const stray = spans.find(({ attributes }) => attributes['http.response.status_code'] === 404)
  t.is(stray?.name, 'GET')
  t.deepEqual(stray?.attributes, { 'http.request.method': 'GET', 'http.response.status_code': 404 })
})

test('security 36: no span holds what was sent or issued', async (t) => {
  const { child, issuer } = await startTraced(t)
  const pair = await login(issuer)
  await ask(issuer, 'token', { grant_type: 'password', username: 'canary-name', password: 'canary-word' })
  await ask(issuer, 'introspect', { token: pair.access_token })
  await fetch(`${child.url}/oauth2/token?client_secret=canary-query`, { method: 'POST' })
  await fetch(`${child.url}/canary-path?token=canary`, { headers: { Authorization: 'Bearer canary' } })
  await ask(
    issuer,
    'token',
    { grant_type: 'client_credentials' },
    basic({ id: 'canary-id', secret: 'canary' }),
  )
  await eventually(
    async () => spansOf(child).filter(({ kind }) => kind === serverKind),
    (servers) => servers.length >= 6,
  )
  const text = JSON.stringify(spansOf(child))
  t.true(text.includes('"http.response.status_code":401'))
  for (const secret of ['canary', password, issuer.service.secret, pair.access_token, pair.refresh_token]) {
    t.false(text.includes(secret), secret)
  }
  t.deepEqual(
    spansOf(child).flatMap(({ events }) => events),
    [],
  )
})

test('what fails shows as the name of its error, without its words', async (t) => {
  const { child, issuer, directory } = await startTraced(t)
  const { refresh_token } = await login(issuer)
  rmSync(join(directory, 'mintage.db'))
  t.is((await refresh(issuer, refresh_token)).status, 503)
  const failed = await eventually(
    async () => spansOf(child).filter(({ status }) => status.code === errorStatus),
    (spans) => spans.length >= 2,
  )
  t.deepEqual(
    failed.map(({ name, attributes, status }) => [name, attributes['error.type'], status.message]),
    [
      ['database redemption', 'StoreUnavailableError', undefined],
      ['POST /oauth2/token', '503', undefined],
    ],
  )
})
