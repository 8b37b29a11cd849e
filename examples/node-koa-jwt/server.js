import Router from '@koa/router'
import { JwksClient, SigningKeyNotFoundError } from 'jwks-rsa'
import Koa from 'koa'
import jwt from 'koa-jwt'

const { ISSUER, AUDIENCE, PORT = '3000' } = process.env
if (!ISSUER || !AUDIENCE) throw new Error('Set ISSUER and AUDIENCE.')

const keys = new JwksClient({
  jwksUri: `${ISSUER}/.well-known/jwks.json`,
  cacheMaxAge: 300_000,
  timeout: 5_000,
})

class KeysAwayError extends Error {}

async function findKey({ kid }) {
  try {
    return (await keys.getSigningKey(kid)).getPublicKey()
  } catch (cause) {
    if (cause instanceof SigningKeyNotFoundError) throw cause
    throw new KeysAwayError('The keys cannot be had.', { cause })
  }
}

const authenticate = jwt({
  secret: findKey,
  algorithms: ['RS256'],
  issuer: ISSUER,
  audience: AUDIENCE,
  clockTolerance: 30,
  complete: true,
})

/** koa-jwt says 401 to everything, without a challenge. */
async function answerErrors(context, next) {
  try {
    await next()
  } catch (error) {
    if (error.status !== 401) throw error
    if (error.originalError instanceof KeysAwayError) {
      console.error(error.originalError)
      context.status = 503
      context.set('Retry-After', '5')
    } else {
      context.status = 401
      context.set('WWW-Authenticate', error.originalError ? 'Bearer error="invalid_token"' : 'Bearer')
    }
  }
}

/** What koa-jwt does not look at. */
async function requireAccessToken(context, next) {
  const { header, payload } = context.state.user
  if (header.typ?.toLowerCase() !== 'at+jwt' || typeof payload.exp !== 'number') {
    context.throw(401, { originalError: new Error('not an access token') })
  }
  context.state.claims = payload
  await next()
}

function requireScope(scope) {
  return async (context, next) => {
    if (context.state.claims.scope?.split(' ').includes(scope)) return next()
    context.status = 403
    context.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${scope}"`)
  }
}

const router = new Router()
router.get('/orders', requireScope('orders:read'), (context) => {
  context.body = { sub: context.state.claims.sub, orders: [] }
})

new Koa()
  .use(answerErrors)
  .use(authenticate)
  .use(requireAccessToken)
  .use(router.routes())
  .listen(Number(PORT), '127.0.0.1')
