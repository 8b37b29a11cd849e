import { readFileSync } from 'node:fs'
import { JwtVerifier } from 'aws-jwt-verify'
import { FetchError, JwtBaseError, WaitPeriodNotYetEndedJwkError } from 'aws-jwt-verify/error'
import { SimpleFetcher } from 'aws-jwt-verify/https'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import express from 'express'

const { ISSUER, AUDIENCE, JWKS_URL_TLS, CA_FILE, PORT = '3000' } = process.env
if (!ISSUER || !AUDIENCE) throw new Error('Set ISSUER and AUDIENCE.')

const verifier = JwtVerifier.create(
  {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUri: JWKS_URL_TLS ?? `${ISSUER}/.well-known/jwks.json`,
    graceSeconds: 30,
    customJwtCheck({ header }) {
      if (header.typ?.toLowerCase() !== 'at+jwt') throw new NotAnAccessTokenError()
    },
  },
  {
    jwksCache: new SimpleJwksCache({
      fetcher: new SimpleFetcher({
        defaultRequestOptions: CA_FILE ? { ca: readFileSync(CA_FILE) } : {},
      }),
    }),
  },
)

class NotAnAccessTokenError extends JwtBaseError {}

async function authenticate(request, response, next) {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '') ?? []
  if (!token) return response.status(401).set('WWW-Authenticate', 'Bearer').end()
  try {
    response.locals.claims = await verifier.verify(token)
  } catch (error) {
    const isAway = error instanceof FetchError || error instanceof WaitPeriodNotYetEndedJwkError
    if (error instanceof JwtBaseError && !isAway) {
      return response.status(401).set('WWW-Authenticate', 'Bearer error="invalid_token"').end()
    }
    console.error(error)
    return response.status(503).set('Retry-After', '10').end()
  }
  next()
}

function requireScope(scope) {
  return (_request, response, next) => {
    if (response.locals.claims.scope?.split(' ').includes(scope)) return next()
    const challenge = `Bearer error="insufficient_scope", scope="${scope}"`
    response.status(403).set('WWW-Authenticate', challenge).end()
  }
}

const app = express()
app.get('/orders', authenticate, requireScope('orders:read'), (_request, response) => {
  response.set('Cache-Control', 'no-store').json({ sub: response.locals.claims.sub, orders: [] })
})
app.listen(Number(PORT), '127.0.0.1')
