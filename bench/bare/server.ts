/**
 * The bare reference: what is left of a token endpoint when everything but the essential work is taken away. It
 * authenticates nobody and checks next to nothing. Started by the benchmark as `server.js PORT DATABASE KEY`: a file for
 * SQLite or the URL of a PostgreSQL, and the file of the key that signs.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readForm } from './form.ts'
import { createPostgresRotations } from './postgres-rotations.ts'
import { createRotations } from './rotations.ts'

const [port, database = '', key = ''] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const privateKey = loadKey(key)
const kid = randomBytes(32).toString('base64url')
const jwks = JSON.stringify({
  keys: [{ ...createPublicKey(privateKey).export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }],
})
const header = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid })).toString('base64url')
const rotate = /^postgres:/.test(database) ? createPostgresRotations(database) : createRotations(database)
const scope = 'orders:read orders:write'
const lifetime = 900

/** Made once, for a start is measured on a key that is there already. */
function loadKey(path: string) {
  if (!existsSync(path)) {
    const made = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
    writeFileSync(path, made.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  }
  return createPrivateKey(readFileSync(path))
}

function signToken(claims: object): Promise<string> {
  const issuedAt = Math.floor(Date.now() / 1_000)
  const payload = JSON.stringify({
    iss: issuer,
    aud: 'https://api.example',
    client_id: 'service',
    iat: issuedAt,
    exp: issuedAt + lifetime,
    jti: randomBytes(16).toString('base64url'),
    ...claims,
  })
  const input = `${header}.${Buffer.from(payload).toString('base64url')}`
  return new Promise((resolve, reject) => {
    sign('sha256', Buffer.from(input, 'latin1'), privateKey, (error, signature) => {
      if (error) reject(error)
      else resolve(`${input}.${signature.toString('base64url')}`)
    })
  })
}

async function answer(form: URLSearchParams): Promise<object | undefined> {
  if (form.get('grant_type') === 'client_credentials') {
    const accessToken = await signToken({ sub: 'service', scope })
    return { access_token: accessToken, token_type: 'Bearer', expires_in: lifetime, scope }
  }
  const [handle = '', generation] = form.get('refresh_token')?.split('.') ?? []
  const session = await rotate(handle, Number(generation))
  if (!session) return undefined
  const accessToken = await signToken({ sub: session.user, scope: session.scope, sid: session.sid })
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: lifetime,
    scope: session.scope,
    refresh_token: `${session.handle}.${session.generation}`,
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  response.end(body)
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/.well-known/jwks.json') {
    send(response, 200, jwks)
    return
  }
  readForm(request, (form) => {
    answer(new URLSearchParams(form)).then(
      (tokens) => send(response, tokens ? 200 : 400, JSON.stringify(tokens ?? { error: 'invalid_grant' })),
      () => send(response, 500, '{"error":"server_error"}'),
    )
  })
}

process.on('SIGTERM', () => process.exit(0))
createServer(receive).listen(Number(port), '127.0.0.1')
