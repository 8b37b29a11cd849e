import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { jwk } from 'hono/jwk'
import { decodeHeader } from 'hono/utils/jwt/jwt'
import { IssuerKeys } from './issuer-keys.js'

const { ISSUER, AUDIENCE, PORT = '3000' } = process.env
if (!ISSUER || !AUDIENCE) throw new Error('Set ISSUER and AUDIENCE.')

const keys = new IssuerKeys(ISSUER)
const readToken = (context) => context.req.header('Authorization')?.split(/\s+/)[1] ?? ''

const app = new Hono()
app.use(
  '/orders/*',
  jwk({
    keys: (context) => keys.all(decodeHeader(readToken(context)).kid),
    alg: ['RS256'],
    // It knows no clock tolerance: with `iat` a clock that is a second behind refuses new tokens.
    verification: { iss: ISSUER, aud: AUDIENCE, typ: 'at+jwt', iat: false },
  }),
)
app.get('/orders', (context) => {
  const { sub, scope } = context.get('jwtPayload')
  if (!scope?.split(' ').includes('orders:read')) {
    const challenge = 'Bearer error="insufficient_scope", scope="orders:read"'
    return context.body(null, 403, { 'WWW-Authenticate': challenge })
  }
  return context.json({ sub, orders: [] })
})
app.onError((error, context) => {
  if (error instanceof HTTPException) return error.getResponse()
  console.error(error)
  return context.body(null, 503, { 'Retry-After': '5' })
})

serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' })
