import { createServer } from 'node:http'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

const { ISSUER, AUDIENCE, PORT = '3000' } = process.env
if (!ISSUER || !AUDIENCE) throw new Error('Set ISSUER and AUDIENCE.')

const keys = createRemoteJWKSet(new URL(`${ISSUER}/.well-known/jwks.json`), {
  cooldownDuration: 5_000,
  cacheMaxAge: 300_000,
})

/** What is wrong with the token itself; any other error is that of the keys. */
const tokenErrors = [
  errors.JWTInvalid,
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
]

async function answer(request) {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (!token) return { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } }
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['RS256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      typ: 'at+jwt',
      requiredClaims: ['exp'],
      clockTolerance: 30,
    })
    if (!payload.scope?.split(' ').includes('orders:read')) {
      const challenge = 'Bearer error="insufficient_scope", scope="orders:read"'
      return { status: 403, headers: { 'WWW-Authenticate': challenge } }
    }
    return { status: 200, body: { sub: payload.sub, orders: [] } }
  } catch (error) {
    if (tokenErrors.some((type) => error instanceof type)) {
      return { status: 401, headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } }
    }
    console.error(error)
    return { status: 503, headers: { 'Retry-After': '5' } }
  }
}

createServer(async (request, response) => {
  const { status, headers, body } =
    request.url === '/orders' ? await answer(request) : { status: 404, body: { error: 'not_found' } }
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(body ?? {}))
}).listen(Number(PORT), '127.0.0.1')
