import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBareDatabase } from '../bare/database.ts'
import { findFreePort } from '../server-process.ts'
import { renderBasic, renderGrants } from './oauth.ts'
import type { Subject } from './subject.ts'
import { verifyByKeySet } from './verification.ts'

const server = fileURLToPath(new URL('../bare/server.js', import.meta.url))

/** The bare reference. */
export const bare: Subject = {
  name: 'bare',
  signature: 'RS256',
  durable: 'every refresh (SQLite, full synchronisation)',
  async install({ directory, sessions }) {
    const port = await findFreePort()
    const path = join(directory, 'bare.db')
    const refreshTokens = createBareDatabase(path, sessions)
    const requests = renderGrants('/oauth2/token', renderBasic('nobody', 'nothing'))
    return {
      recipe: {
        name: 'bare',
        args: [server, String(port), path, `${path}.pem`],
        environment: {},
        port,
        readiness: requests.client_credentials,
      },
      requests,
      startSessions: async () => refreshTokens,
      verify: verifyByKeySet(`http://127.0.0.1:${port}/.well-known/jwks.json`),
    }
  },
}
