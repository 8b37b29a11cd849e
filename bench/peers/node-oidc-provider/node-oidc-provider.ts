import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { findFreePort } from '../../server-process.ts'
import { renderBasic, renderGrants } from '../../subjects/oauth.ts'
import type { Subject } from '../../subjects/subject.ts'
import { verifyByKeySet } from '../../subjects/verification.ts'
import { clientSecret } from '../credentials.ts'
import { installPackages } from '../install.ts'
import { ask, beginSessions, readRefreshToken } from '../sessions.ts'

const folder = 'node-oidc-provider'
const driver = new URL('../../../src/store/sqlite-driver.js', import.meta.url).href

interface Variant {
  /** The file of its database; in memory without one. */
  readonly database?: string
  /** Whether sessions have the scope `openid`, so that a refresh answers an ID token too. */
  readonly openid?: boolean
}

function subjectOf(name: string, durable: string, { database, openid = false }: Variant = {}): Subject {
  return {
    name,
    signature: 'RS256',
    durable,
    async install({ directory, cache, sessions }) {
      // All variants have the same packages.
      const home = join(cache, '..', folder)
      await installPackages(folder, home, ['server.mjs', 'adapter.mjs'])
      const port = await findFreePort()
      const origin = `http://127.0.0.1:${port}`
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
      const settings = {
        port,
        jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
        cookieKey: randomBytes(32).toString('base64url'),
        clientSecret,
        openid,
        driver,
        ...(database === undefined ? {} : { database: join(directory, database) }),
      }
      const requests = renderGrants('/token', renderBasic('service', clientSecret), {
        scope: 'orders:read orders:write',
      })
      const session = { path: '/bench/session', headers: {}, body: '' }
      return {
        recipe: {
          name,
          args: [join(home, 'server.mjs')],
          environment: { BENCH_SETTINGS: JSON.stringify(settings) },
          port,
          readiness: requests.client_credentials,
        },
        requests,
        startSessions: () =>
          beginSessions(sessions, async () => readRefreshToken(await ask(origin, session))),
        verify: verifyByKeySet(`${origin}/jwks`),
      }
    },
  }
}

/** node-oidc-provider with the adapter that it brings. */
export const nodeOidcProvider = subjectOf('node-oidc-provider', 'nothing (all is in memory)')

/** node-oidc-provider with an adapter that is as durable as Mintage. */
export const nodeOidcProviderOnSqlite = subjectOf(
  'node-oidc-provider-sqlite',
  'every refresh, in two commits (SQLite, full synchronisation)',
  { database: 'provider.db' },
)

/** node-oidc-provider as its OpenID clients use it: two signatures a refresh, one of them of an ID token. */
export const nodeOidcProviderWithOpenid = subjectOf(
  'node-oidc-provider-openid',
  'nothing (all is in memory)',
  { openid: true },
)
