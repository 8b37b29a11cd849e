import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AccessToken, createVerifier, type Verifier } from '@mintage/verifier'
import {
  type Authenticated as ExpressAuthenticated,
  authenticate as forExpress,
} from '@mintage/verifier/express'
import {
  type Authenticated as FastifyAuthenticated,
  authenticate as forFastify,
} from '@mintage/verifier/fastify'
import { authenticate as forHono, protect } from '@mintage/verifier/fetch'
import { authenticate as forKoa } from '@mintage/verifier/koa'
import test, { type ExecutionContext } from 'ava'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { openRaw } from '../support/raw-http.ts'
import { audience, type ScriptedIssuer, startScriptedIssuer } from './kit/scripted-issuer.ts'

interface Custom {
  readonly roles: readonly string[]
}

/** A service that answers `GET /` with `{ sub, roles }` of a good token, and `GET /write` for `orders:write` only. */
type Start = (t: ExecutionContext, verifier: Verifier<Custom>) => Promise<string>

function show({ sub, roles }: AccessToken & Custom): object {
  return { sub, roles }
}

function listen(t: ExecutionContext, server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
  })
}

const services: Readonly<Record<string, Start>> = {
  async koa(t, verifier) {
    const app = new Koa<{ token: AccessToken & Custom }>()
    app.use(forKoa(verifier))
    const writing = forKoa(verifier, { scope: 'orders:write' })
    app.use((context, next) => (context.path === '/write' ? writing(context, next) : next()))
    app.use((context) => {
      context.body = show(context.state.token)
    })
    return listen(t, createServer(app.callback()))
  },
  async express(t, verifier) {
    const app = express()
    app.use(forExpress(verifier))
    app.use('/write', forExpress(verifier, { scope: 'orders:write' }))
    app.use((request, response) => {
      response.json(show((request as ExpressAuthenticated<typeof request, Custom>).auth))
    })
    return listen(t, createServer(app))
  },
  async fastify(t, verifier) {
    const app = fastify()
    app.addHook('onRequest', forFastify(verifier))
    const answer = async (request: object) => show((request as FastifyAuthenticated<object, Custom>).token)
    app.get('/', answer)
    app.get('/write', { onRequest: forFastify(verifier, { scope: 'orders:write' }) }, answer)
    t.teardown(() => app.close())
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  async hono(t, verifier) {
    const app = new Hono<{ Variables: { token: AccessToken & Custom } }>()
    app.use(forHono(verifier))
    app.get('/', (context) => context.json(show(context.get('token'))))
    app.get('/write', forHono(verifier, { scope: 'orders:write' }), (context) =>
      context.json(show(context.get('token'))),
    )
    return listen(t, createServer(bridge((request) => app.fetch(request))))
  },
  async fetch(t, verifier) {
    const handle = async (_: Request, token: AccessToken & Custom) => Response.json(show(token))
    const read = protect(verifier, handle)
    const write = protect(verifier, handle, { scope: 'orders:write' })
    const answer = (request: Request) => (request.url.endsWith('/write') ? write(request) : read(request))
    return listen(t, createServer(bridge(answer)))
  },
}

/** What a fetch-style runtime does around its handler. */
function bridge(handle: (request: Request) => Response | Promise<Response>) {
  return async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const headers = new Headers()
    for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
      headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '')
    }
    const response = await handle(new Request(`http://${incoming.headers.host}${incoming.url}`, { headers }))
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(await response.text())
  }
}

async function makeScene(
  t: ExecutionContext,
): Promise<{ issuer: ScriptedIssuer; verifier: Verifier<Custom> }> {
  const issuer = await startScriptedIssuer(t)
  const verifier = createVerifier<Custom>({ issuer: issuer.url, audience })
  t.teardown(() => verifier.close())
  await verifier.ready()
  return { issuer, verifier }
}

for (const [name, start] of Object.entries(services)) {
  test(`row 35: ${name} answers as RFC 6750 says, and hands a good token on`, async (t) => {
    const { issuer, verifier } = await makeScene(t)
    const url = await start(t, verifier)
    const ask = async (path: string, authorization?: string) => {
      const response = await fetch(
        url + path,
        authorization === undefined ? {} : { headers: { authorization } },
      )
      const { headers, status } = response
      const text = await response.text()
      return {
        status,
        text,
        challenge: headers.get('www-authenticate'),
        kept: headers.get('cache-control'),
        headers,
      }
    }
    const token = issuer.mint({ roles: ['editor'], scope: 'orders:read' })
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const good = await ask('/', `${scheme} ${token}`)
      t.is(good.status, 200)
      t.deepEqual(JSON.parse(good.text), { sub: 'user-1', roles: ['editor'] })
    }
    for (const authorization of [undefined, 'Basic dTpw', 'Bearerx', token]) {
      const { status, challenge, kept, text } = await ask('/', authorization)
      t.deepEqual([status, challenge, kept, text], [401, 'Bearer', 'no-store', ''], authorization)
    }
    for (const wrong of ['', 'canary', `${token}x`, `${token} x`, issuer.mint({ iss: 'canary' })]) {
      const { status, challenge, kept, text } = await ask('/', `Bearer ${wrong}`)
      const told = [401, 'Bearer error="invalid_token"', 'no-store']
      t.deepEqual([status, challenge, kept], told, wrong)
      t.deepEqual(JSON.parse(text), { error: 'invalid_token' })
    }
    const scant = await ask('/write', `Bearer ${token}`)
    t.deepEqual(
      [scant.status, scant.challenge],
      [403, 'Bearer error="insufficient_scope", scope="orders:write"'],
    )
    t.deepEqual(JSON.parse(scant.text), { error: 'insufficient_scope' })
    t.is((await ask('/write', `Bearer ${issuer.mint({ roles: [] })}`)).status, 200)

    const raw = await openRaw(url)
    raw.send(
      `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\nauthorization: Bearer ${token}\r\n\r\n`,
    )
    const twice = await raw.closed()
    t.regex(twice, /^HTTP\/1\.1 400 /)
    t.regex(twice, /www-authenticate: Bearer error="invalid_request"/i)
    t.is((await ask(`/?access_token=${token}`)).status, 401, 'a token in the query is none')

    verifier.close()
    const away = await ask('/', `Bearer ${token}`)
    t.deepEqual([away.status, away.challenge, away.headers.get('retry-after')], [503, null, '5'])
  })
}

test('an adapter makes a verifier of its own from options', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const handle = protect(
    { issuer: issuer.url, audience, revocation: 'off' },
    (_: Request, token) => new Response(token.sub),
  )
  const request = new Request('http://api.example', { headers: { authorization: `Bearer ${issuer.mint()}` } })
  t.is(await (await handle(request)).text(), 'user-1')
})

test('what goes wrong behind the middleware is not its affair', async (t) => {
  const { issuer, verifier } = await makeScene(t)
  const app = new Koa()
  app.silent = true
  app.use(forKoa(verifier))
  app.use(() => {
    throw new Error('of the application')
  })
  const url = await listen(t, createServer(app.callback()))
  const response = await fetch(url, { headers: { authorization: `Bearer ${issuer.mint()}` } })
  t.is(response.status, 500)
  const other = express()
  other.use(forExpress(verifier))
  other.use(() => {
    throw new Error('of the application')
  })
  other.use((_error: unknown, _request: unknown, answer: express.Response, _next: unknown) => {
    answer.status(418).end()
  })
  const there = await listen(t, createServer(other))
  t.is((await fetch(there, { headers: { authorization: `Bearer ${issuer.mint()}` } })).status, 418)
})
