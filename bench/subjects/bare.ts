import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBareDatabase } from '../bare/database.ts'
import { findFreePort } from '../server-process.ts'
import { renderBasic, renderGrants } from './oauth.ts'
import type { Installed, Subject } from './subject.ts'
import { verifyByKeySet } from './verification.ts'

const server = fileURLToPath(new URL('../bare/server.js', import.meta.url))

/**
 * A bare server on a database that exists already.
 * @param database a file for SQLite, or the URL of a PostgreSQL.
 * @param key the file of the key that signs, made when the server starts first.
 */
export async function installBare(
  database: string,
  key: string,
  refreshTokens: readonly string[],
): Promise<Installed> {
  const port = await findFreePort()
  const requests = renderGrants('/oauth2/token', renderBasic('nobody', 'nothing'))
  return {
    recipe: {
      name: 'bare',
      args: [server, String(port), database, key],
      environment: {},
      port,
      readiness: requests.client_credentials,
    },
    requests,
    startSessions: async () => refreshTokens,
    verify: verifyByKeySet(`http://127.0.0.1:${port}/.well-known/jwks.json`),
  }
}

/** The bare reference. */
export const bare: Subject = {
  name: 'bare',
  signature: 'RS256',
  durable: 'every refresh (SQLite, full synchronisation)',
  async install({ directory, sessions }) {
    const path = join(directory, 'bare.db')
    return installBare(path, `${path}.pem`, createBareDatabase(path, sessions))
  },
}
