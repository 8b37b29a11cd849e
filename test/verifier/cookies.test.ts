import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AuthenticateOptions, createVerifier, type Verifier } from '@mintage/verifier'
import { authenticate as forExpress } from '@mintage/verifier/express'
import { authenticate as forFastify } from '@mintage/verifier/fastify'
import { authenticate as forHono, protect } from '@mintage/verifier/fetch'
import { authenticate as forKoa } from '@mintage/verifier/koa'
import test, { type ExecutionContext } from 'ava'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { audience, startScriptedIssuer } from './kit/scripted-issuer.ts'

type Headers = Readonly<Record<string, string>>

/** Asks a service, which answers 200 where it lets the request through. */
type Ask = (
  method: string,
  headers: Headers,
) => Promise<{ status: number; text: string; challenge: string | null }>
type Start = (t: ExecutionContext, verifier: Verifier, options: AuthenticateOptions) => Promise<Ask>

const cookie = '__Host-web-access'
const page = 'https://app.example'
const options = { cookie, origins: [page] }

async function read(response: Response) {
  const challenge = response.headers.get('www-authenticate')
  return { status: response.status, text: await response.text(), challenge }
}

function askOver(url: string): Ask {
  return async (method, headers) => read(await fetch(url, { method, headers }))
}

async function listen(t: ExecutionContext, handle: Parameters<typeof createServer>[1]): Promise<Ask> {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return askOver(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const services: Readonly<Record<string, Start>> = {
  koa(t, verifier, given) {
    const app = new Koa()
    app.use(forKoa(verifier, given))
    app.use((context) => {
      context.body = 'done'
    })
    return listen(t, app.callback())
  },
  express(t, verifier, given) {
    const app = express()
    app.use(forExpress(verifier, given))
    app.use((_request, response) => void response.send('done'))
    return listen(t, app)
  },
  async fastify(t, verifier, given) {
    const app = fastify()
    app.addHook('onRequest', forFastify(verifier, given))
    app.all('/', async () => 'done')
    t.teardown(() => app.close())
    return askOver(await app.listen({ port: 0, host: '127.0.0.1' }))
  },
  async hono(_t, verifier, given) {
    const app = new Hono()
    app.use(forHono(verifier, given))
    app.all('/', (context) => context.text('done'))
    return async (method, headers) => read(await app.request('/', { method, headers }))
  },
  async fetch(_t, verifier, given) {
    const handle = protect(verifier, () => new Response('done'), given)
    return async (method, headers) =>
      read(await handle(new Request('https://api.example/', { method, headers })))
  },
}

async function makeScene(t: ExecutionContext) {
  const issuer = await startScriptedIssuer(t)
  const verifier = createVerifier({ issuer: issuer.url, audience, revocation: 'off' })
  t.teardown(() => verifier.close())
  await verifier.ready()
  return { verifier, token: issuer.mint(), other: issuer.mint() }
}

const sameOrigin = { 'Sec-Fetch-Site': 'same-origin' }

for (const [name, start] of Object.entries(services)) {
  test(`${name} takes the token from the cookie that it is told of, from pages that may use it`, async (t) => {
    const { verifier, token } = await makeScene(t)
    const ask = await start(t, verifier, options)
    const Cookie = `a=b; ${cookie}=${token}; c=d`
    t.is((await ask('GET', { Cookie })).text, 'done')
    t.is((await ask('POST', { Cookie, ...sameOrigin })).text, 'done')
    t.is((await ask('POST', { Cookie, Origin: page })).text, 'done')
    t.is((await ask('DELETE', { Cookie, Origin: page, 'Sec-Fetch-Site': 'same-site' })).text, 'done')
    t.is((await ask('POST', { Authorization: `Bearer ${token}` })).text, 'done', 'a header is no cookie')
    for (const headers of [
      {},
      { 'Content-Type': 'application/json', 'X-Requested-With': 'XMLHttpRequest' },
      { Origin: 'null', ...sameOrigin },
      { Origin: 'https://evil.example' },
      { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'same-site' },
      { Origin: page, 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'none' },
    ]) {
      const refused = await ask('POST', { Cookie, ...headers })
      t.is(refused.status, 403, JSON.stringify(headers))
      t.is(refused.challenge, null, 'no other token would help')
      t.deepEqual(JSON.parse(refused.text), { error: 'cross_site_request' })
    }
  })

  test(`row 35: ${name} refuses what is ambiguous, and a bad cookie as it does a bad header`, async (t) => {
    const { verifier, token, other } = await makeScene(t)
    const ask = await start(t, verifier, options)
    const good = `${cookie}=${token}`
    for (const headers of [
      { Cookie: `${good}; ${good}` },
      { Cookie: `${cookie}=; ${good}` },
      { Cookie: good, Authorization: `Bearer ${other}` },
    ]) {
      const { status, challenge } = await ask('GET', headers)
      t.deepEqual([status, challenge], [400, 'Bearer error="invalid_request"'], JSON.stringify(headers))
    }
    t.is((await ask('GET', { Cookie: good, Authorization: `Bearer ${token}` })).status, 200)
    t.is((await ask('GET', { Cookie: good, Authorization: 'Basic dTpw' })).status, 200, "a proxy's own")
    t.is((await ask('POST', { Cookie: good, Authorization: `Bearer ${token}` })).status, 403)
    const bad = await ask('GET', { Cookie: `${good}x` })
    t.deepEqual([bad.status, bad.challenge], [401, 'Bearer error="invalid_token"'])
    for (const Cookie of [`${cookie}2=${token}`, `__host-web-access=${token}`, token, cookie]) {
      const none = await ask('GET', { Cookie })
      t.deepEqual([none.status, none.challenge, none.text], [401, 'Bearer', ''], Cookie)
    }
  })

  test(`${name} looks at no cookie unless it is told to`, async (t) => {
    const { verifier, token } = await makeScene(t)
    const ask = await start(t, verifier, {})
    t.is((await ask('GET', { Cookie: `${cookie}=${token}` })).status, 401)
    const both = { Cookie: `${cookie}=x`, Authorization: `Bearer ${token}` }
    t.is((await ask('POST', both)).status, 200)
  })
}

test('a WebSocket that a foreign page opens is refused, though it begins with a GET', async (t) => {
  const { verifier, token } = await makeScene(t)
  const handle = protect(verifier, () => new Response('done'), options)
  const open = (headers: Headers) =>
    handle({
      method: 'GET',
      headers: new Headers({ Cookie: `${cookie}=${token}`, Upgrade: 'websocket', ...headers }),
    })
  t.is((await open({ Origin: 'https://evil.example' })).status, 403)
  t.is((await open({ Origin: page })).status, 200)
})
