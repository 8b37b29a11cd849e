import express from 'express'
import jwt from 'jsonwebtoken'
import { SigningKeyNotFoundError } from 'jwks-rsa'
import { IssuerKeys } from './issuer-keys.js'

const { ISSUER, AUDIENCE, PORT = '3000', JWKS_MAX_AGE = '300' } = process.env
if (!ISSUER || !AUDIENCE) {
  console.error(
    'Set ISSUER to the issuer, as its tokens say it in iss, and AUDIENCE to the name of this API.',
  )
  process.exit(2)
}

const keys = new IssuerKeys(ISSUER, Number(JWKS_MAX_AGE) * 1_000)

/** The claims of a good token. Throws what is wrong with it, or that the keys could not be had. */
async function verifyToken(token) {
  const { kid } = jwt.decode(token, { complete: true })?.header ?? {}
  if (typeof kid !== 'string') throw new jwt.JsonWebTokenError('no kid')
  const { header, payload } = jwt.verify(token, await keys.find(kid), {
    algorithms: ['RS256'],
    issuer: ISSUER,
    audience: AUDIENCE,
    clockTolerance: 30,
    complete: true,
  })
  // jsonwebtoken looks at neither: an ID token is no access token, and one without an end would never expire.
  if (header.typ?.toLowerCase() !== 'at+jwt') throw new jwt.JsonWebTokenError('not an access token')
  if (typeof payload.exp !== 'number') throw new jwt.JsonWebTokenError('no exp')
  return payload
}

async function authenticate(request, response, next) {
  const [, token] = /^Bearer +([^\s]+)$/i.exec(request.get('authorization') ?? '') ?? []
  if (!token) return response.status(401).set('WWW-Authenticate', 'Bearer').end()
  try {
    response.locals.claims = await verifyToken(token)
  } catch (error) {
    if (isTokenError(error)) {
      return response.status(401).set('WWW-Authenticate', 'Bearer error="invalid_token"').end()
    }
    // Not the token's fault: no key, since the issuer cannot be reached.
    console.error(JSON.stringify({ error: error.name, message: error.message }))
    return response.status(503).set('Retry-After', '5').end()
  }
  next()
}

function requireScope(scope) {
  return (_request, response, next) => {
    // A list separated by spaces (RFC 8693 §4.2).
    if (response.locals.claims.scope?.split(' ').includes(scope)) return next()
    const challenge = `Bearer error="insufficient_scope", scope="${scope}"`
    response.status(403).set('WWW-Authenticate', challenge).end()
  }
}

function isTokenError(error) {
  return [jwt.JsonWebTokenError, SigningKeyNotFoundError, SyntaxError].some((type) => error instanceof type)
}

const app = express()
app.disable('x-powered-by')
app.get('/', authenticate, (_request, response) => {
  const { sub, scope } = response.locals.claims
  response.set('Cache-Control', 'no-store').json({ sub, scope })
})
app.get('/orders', authenticate, requireScope('orders:read'), (_request, response) => {
  response.set('Cache-Control', 'no-store').json({ sub: response.locals.claims.sub, orders: [] })
})

const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(JSON.stringify({ listening: `http://127.0.0.1:${server.address().port}` }))
})
