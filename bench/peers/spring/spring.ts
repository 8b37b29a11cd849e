import { execFile } from 'node:child_process'
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findFreePort } from '../../server-process.ts'
import { renderBasic, renderGrants, renderTokenRequest } from '../../subjects/oauth.ts'
import type { Subject } from '../../subjects/subject.ts'
import { verifyByKeySet } from '../../subjects/verification.ts'
import { clientSecret, password } from '../credentials.ts'
import { createDatabase } from '../database.ts'
import { ask, beginSessions, readRefreshToken, warmUp } from '../sessions.ts'

const run = promisify(execFile)
const source = fileURLToPath(new URL('../../../../bench/peers/spring/', import.meta.url))
const redirectUri = 'http://127.0.0.1/callback'

/** Spring Authorization Server as its reference begins, with its JDBC services on PostgreSQL. */
export const spring: Subject = {
  name: 'spring',
  signature: 'RS256',
  durable: 'every refresh and every client_credentials token (PostgreSQL with its defaults)',
  async install({ directory, cache, sessions }) {
    const archive = await build(cache)
    const database = await createDatabase(directory, readFileSync(join(source, 'schema.sql'), 'utf8'))
    const port = await findFreePort()
    const origin = `http://127.0.0.1:${port}`
    const keys = join(directory, 'keys.json')
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }
    writeFileSync(keys, JSON.stringify({ keys: [jwk] }), { mode: 0o600 })
    const authorization = renderBasic('service', clientSecret)
    const requests = renderGrants('/oauth2/token', authorization)
    return {
      recipe: {
        name: 'spring',
        ...database.serve('java', ['-jar', archive]),
        environment: {
          SERVER_ADDRESS: '127.0.0.1',
          SERVER_PORT: String(port),
          SPRING_DATASOURCE_URL: database.jdbc,
          SPRING_DATASOURCE_USERNAME: 'postgres',
          SPRING_DATASOURCE_PASSWORD: 'unused',
          ISSUER_URL: origin,
          ISSUER_KEYS: keys,
          ISSUER_CLIENT_SECRET: clientSecret,
          ISSUER_USER_PASSWORD: password,
        },
        port,
        readiness: requests.client_credentials,
        patience: 180_000,
      },
      requests,
      startSessions: async () => {
        const cookie = await logIn(origin)
        const tokens = await beginSessions(sessions, () => authorize(origin, authorization, cookie))
        return warmUp(origin, requests, tokens)
      },
      verify: verifyByKeySet(`${origin}/oauth2/jwks`),
    }
  },
}

/** Fills the login form of Spring Security. @returns the cookie of the session. */
async function logIn(origin: string): Promise<string> {
  const page = await fetch(`${origin}/login`)
  const token = /name="_csrf"[^>]*value="([^"]*)"/.exec(await page.text())?.[1] ?? ''
  const answer = await fetch(`${origin}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Cookie: readCookie(page) },
    body: new URLSearchParams({ username: 'ada', password, _csrf: token }),
  })
  if (/\?error/.test(answer.headers.get('location') ?? '')) throw new Error('The login was refused.')
  return readCookie(answer)
}

/** One authorization with a code and PKCE (RFC 7636). @returns its refresh token. */
async function authorize(origin: string, authorization: string, cookie: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'service',
    redirect_uri: redirectUri,
    scope: 'orders:read',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const answer = await fetch(`${origin}/oauth2/authorize?${query}`, {
    redirect: 'manual',
    headers: { Cookie: cookie },
  })
  const code = new URL(answer.headers.get('location') ?? '', origin).searchParams.get('code')
  if (code === null) throw new Error(`No code, but ${answer.status} ${answer.headers.get('location')}`)
  const form = {
    grant_type: 'authorization_code',
    redirect_uri: redirectUri,
    code,
    code_verifier: verifier,
  }
  return readRefreshToken(await ask(origin, renderTokenRequest('/oauth2/token', authorization, form)))
}

function readCookie(answer: Response): string {
  return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
}

/** Builds what the POM pins, unless this very source is built already. @throws when Java or Maven is missing. */
async function build(cache: string): Promise<string> {
  const files = ['pom.xml', 'Issuer.java']
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(source, file)))
  const project = join(cache, hash.digest('hex').slice(0, 16))
  const archive = join(project, 'target/issuer.jar')
  if (existsSync(archive)) return archive
  rmSync(project, { recursive: true, force: true })
  mkdirSync(join(project, 'src/main/java/bench'), { recursive: true })
  copyFileSync(join(source, 'pom.xml'), join(project, 'pom.xml'))
  copyFileSync(join(source, 'Issuer.java'), join(project, 'src/main/java/bench/Issuer.java'))
  await run('mvn', ['-q', '-B', 'package'], { cwd: project })
  return archive
}
