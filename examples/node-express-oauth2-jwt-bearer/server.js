import express from 'express'
import { auth, requiredScopes, UnauthorizedError } from 'express-oauth2-jwt-bearer'

const { ISSUER, AUDIENCE, PORT = '3000' } = process.env
if (!ISSUER || !AUDIENCE) throw new Error('Set ISSUER and AUDIENCE.')

const app = express()
app.use(
  auth({
    issuerBaseURL: ISSUER,
    audience: AUDIENCE,
    tokenSigningAlg: 'RS256',
    strict: true,
    clockTolerance: 30,
    cooldownDuration: 5_000,
    // Else every challenge invites to DPoP, which Mintage's tokens are not bound by.
    dpop: { enabled: false },
  }),
)
app.get('/orders', requiredScopes('orders:read'), (request, response) => {
  response.set('Cache-Control', 'no-store').json({ sub: request.auth.payload.sub, orders: [] })
})
app.use((error, _request, response, _next) => {
  if (error instanceof UnauthorizedError) {
    return response.status(error.status).set(error.headers).end()
  }
  console.error(error)
  response.status(503).set('Retry-After', '5').end()
})
app.listen(Number(PORT), '127.0.0.1')
