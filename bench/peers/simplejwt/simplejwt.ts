import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { importSPKI, jwtVerify } from 'jose'
import { findFreePort } from '../../server-process.ts'
import type { Subject } from '../../subjects/subject.ts'
import { installRequirements, sourceOf } from '../install.ts'

const run = promisify(execFile)
const folder = 'simplejwt'

function subjectOf(name: string, algorithm: 'HS256' | 'RS256'): Subject {
  return {
    name,
    signature: algorithm,
    durable: 'every refresh, in two commits (SQLite, full synchronisation)',
    async install({ directory, cache, sessions }) {
      const bin = await installRequirements(folder, join(cache, '..', folder))
      const port = await findFreePort()
      const secretKey = randomBytes(48).toString('base64url')
      const { privateKey, publicKey } = generateKeyPairSync('rsa', {
        modulusLength: 2_048,
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      })
      const database = join(directory, 'db.sqlite3')
      const settings = { algorithm, secretKey, privateKey, publicKey, database }
      const environment = { BENCH_SETTINGS: JSON.stringify(settings) }
      const source = sourceOf(folder)
      const { stdout } = await run(join(bin, 'python'), [join(source, 'application.py'), String(sessions)], {
        env: { ...process.env, ...environment },
        maxBuffer: 2 ** 28,
      })
      const begun = JSON.parse(stdout) as { readonly access: string; readonly refresh: readonly string[] }
      const headers = { Accept: 'application/json', 'Content-Type': 'application/json' }
      const key = algorithm === 'HS256' ? Buffer.from(secretKey) : await importSPKI(publicKey, algorithm)
      return {
        recipe: {
          name,
          command: join(bin, 'gunicorn'),
          args: [
            ...['--bind', `127.0.0.1:${port}`, '--workers', '2', '--chdir', source],
            // The sort of worker that can keep a connection alive.
            ...['--worker-class', 'gthread', '--threads', '4', '--keep-alive', '60'],
            ...['--no-control-socket', '--log-level', 'warning', 'application:application'],
          ],
          environment,
          port,
          // Each refresh token is good for one start only, and a password would be what is measured.
          readiness: { path: '/api/token/verify/', headers, body: JSON.stringify({ token: begun.access }) },
          endsAnyhow: true,
        },
        requests: {
          refresh_token: {
            path: '/api/token/refresh/',
            headers,
            body: '{"refresh":"{refresh_token}"}',
            accessToken: 'access',
            refreshToken: 'refresh',
          },
        },
        startSessions: async () => begun.refresh,
        verify: (accessToken) => jwtVerify(accessToken, key, { algorithms: [algorithm] }),
      }
    },
  }
}

/** SimpleJWT as it comes. */
export const simpleJwt = subjectOf('simplejwt', 'HS256')

/** SimpleJWT with a signature that services can verify without being able to make it. */
export const simpleJwtWithRs256 = subjectOf('simplejwt-rs256', 'RS256')
