/**
 * A token endpoint as one writes it in an afternoon: Koa with its usual companions, jose, a row for each refresh token.
 * Started by the benchmark as `server.mjs PORT DATABASE`.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import Router from '@koa/router'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
// better-sqlite3, in the version that this release of Node can run.
import { loadSqliteDriver } from '../../../dist/src/store/sqlite-driver.js'

const [port, path] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const { publicKey, privateKey } = await generateKeyPair('RS256')
const key = { ...(await exportJWK(publicKey)), kid: 'naive', alg: 'RS256', use: 'sig' }
const hash = (text) => createHash('sha256').update(text).digest()
const secretHash = hash(process.env.CLIENT_SECRET ?? '')

const Database = loadSqliteDriver()
const database = new Database(path)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec(`CREATE TABLE IF NOT EXISTS refresh_tokens (
  token TEXT PRIMARY KEY, user TEXT NOT NULL, scope TEXT NOT NULL, expires_at INTEGER NOT NULL)`)
const find = database.prepare('SELECT * FROM refresh_tokens WHERE token = ? AND expires_at > ?')
const remove = database.prepare('DELETE FROM refresh_tokens WHERE token = ?')
const insert = database.prepare('INSERT INTO refresh_tokens VALUES (?, ?, ?, ?)')

function addToken(user, scope) {
  const token = randomBytes(32).toString('base64url')
  insert.run(hash(token).toString('hex'), user, scope, Date.now() + 90 * 86_400_000)
  return token
}

const rotate = database.transaction((token) => {
  const hashed = hash(token).toString('hex')
  const session = find.get(hashed, Date.now())
  if (!session) return undefined
  remove.run(hashed)
  return { ...session, refreshToken: addToken(session.user, session.scope) }
})

function signToken(subject, scope) {
  return new SignJWT({ scope, client_id: 'service' })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience('https://api.example')
    .setSubject(subject)
    .setJti(randomBytes(16).toString('base64url'))
    .setIssuedAt()
    .setExpirationTime('15m')
    .sign(privateKey)
}

function isClient(authorization = '') {
  const [id, secret] = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':')
  return id === 'service' && timingSafeEqual(hash(decodeURIComponent(secret ?? '')), secretHash)
}

const router = new Router()
router.get('/jwks', (context) => {
  context.body = { keys: [key] }
})
router.post('/token', async (context) => {
  context.set('Cache-Control', 'no-store')
  const refuse = (status, error) => {
    context.status = status
    context.body = { error }
  }
  if (!isClient(context.get('Authorization'))) return refuse(401, 'invalid_client')
  const form = context.request.body
  if (form.grant_type === 'client_credentials') {
    const scope = 'orders:read orders:write'
    const accessToken = await signToken('service', scope)
    context.body = { access_token: accessToken, token_type: 'Bearer', expires_in: 900, scope }
  } else if (form.grant_type === 'refresh_token') {
    const session = rotate(form.refresh_token ?? '')
    if (!session) return refuse(400, 'invalid_grant')
    context.body = {
      access_token: await signToken(session.user, session.scope),
      token_type: 'Bearer',
      expires_in: 900,
      scope: session.scope,
      refresh_token: session.refreshToken,
    }
  } else refuse(400, 'unsupported_grant_type')
})
// Only the benchmark has this route, in the place of a login.
router.post('/bench/session', (context) => {
  context.body = { refresh_token: addToken('ada', 'orders:read orders:write') }
})

const app = new Koa()
app.use(bodyParser())
app.use(router.routes())
app.use(router.allowedMethods())
const server = app.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
