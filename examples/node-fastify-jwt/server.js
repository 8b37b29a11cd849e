import fastifyJwt from '@fastify/jwt'
import { fastify } from 'fastify'
import buildGetJwks from 'get-jwks'

const { ISSUER, AUDIENCE, PORT = '3000' } = process.env
if (!ISSUER || !AUDIENCE) throw new Error('Set ISSUER and AUDIENCE.')

const keys = buildGetJwks({ issuersWhitelist: [ISSUER], ttl: 300_000 })

const app = fastify({ logger: { level: 'warn' } })
app.register(fastifyJwt, {
  decode: { complete: true },
  // The issuer that is asked is ours, whatever the token says.
  secret: (_request, { header: { kid, alg } }) => keys.getPublicKey({ domain: ISSUER, kid, alg }),
  verify: {
    algorithms: ['RS256'],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    checkTyp: 'at+jwt',
    requiredClaims: ['exp'],
    clockTolerance: 30_000,
  },
})

app.decorate('authenticate', async (request, reply) => {
  try {
    await request.jwtVerify()
  } catch (error) {
    const isUnknownKey = ['JWK_NOT_FOUND', 'NO_JWKS'].includes(error.code)
    if (error.statusCode < 500 || error.code?.startsWith('FAST_JWT_') || isUnknownKey) {
      return reply.code(401).header('WWW-Authenticate', 'Bearer error="invalid_token"').send()
    }
    request.log.error(error)
    return reply.code(503).header('Retry-After', '5').send()
  }
})
app.decorate('requireScope', (scope) => async (request, reply) => {
  if (request.user.scope?.split(' ').includes(scope)) return
  const challenge = `Bearer error="insufficient_scope", scope="${scope}"`
  return reply.code(403).header('WWW-Authenticate', challenge).send()
})

app.after(() => {
  const onRequest = [app.authenticate, app.requireScope('orders:read')]
  app.get('/orders', { onRequest }, async (request) => ({ sub: request.user.sub, orders: [] }))
})
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
