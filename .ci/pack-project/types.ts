import { type AccessToken, createVerifier, InsufficientScopeError } from '@mintage/verifier'
import { type Authenticated, authenticate as forExpress } from '@mintage/verifier/express'
import { authenticate as forFastify } from '@mintage/verifier/fastify'
import { authenticate as forHono, protect } from '@mintage/verifier/fetch'
import { parseCompactJws } from '@mintage/verifier/jws'
import { authenticate as forKoa } from '@mintage/verifier/koa'
import { decodeStatusList } from '@mintage/verifier/status-list'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

interface Claims {
  readonly roles: readonly string[]
}
const verifier = createVerifier<Claims>({
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  fetch,
})
const token = await verifier.verify('', { scope: 'orders:read' })
const texts: readonly string[] = [token.sub, token.scope ?? '', ...token.roles]
// @ts-expect-error: a claim that nobody declared
token.anything
// @ts-expect-error: claims are not to be written
token.sub = ''
// @ts-expect-error: no such policy
createVerifier({ issuer: '', audience: '', whenStale: 'ignore' })

new Koa<{ token: AccessToken & Claims }>()
  .use(forKoa(verifier, { cookie: '__Host-web-access', origins: [] }))
  .use((context) => {
    context.body = context.state.token.roles
  })
express().get('/', forExpress(verifier, { scope: 'a' }), (request, response) => {
  response.json((request as Authenticated<typeof request, Claims>).auth.roles)
})
fastify().addHook('onRequest', forFastify(verifier))
new Hono<{ Variables: { token: AccessToken & Claims } }>()
  .use(forHono(verifier))
  .get('/', (context) => context.json(context.get('token').roles))
export const GET = protect(verifier, async (_request: Request, { roles }) => Response.json({ roles }))
export default [texts, parseCompactJws, decodeStatusList, InsufficientScopeError]
