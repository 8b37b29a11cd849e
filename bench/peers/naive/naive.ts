import { join } from 'node:path'
import { findFreePort } from '../../server-process.ts'
import { renderBasic, renderGrants } from '../../subjects/oauth.ts'
import type { Subject } from '../../subjects/subject.ts'
import { verifyByKeySet } from '../../subjects/verification.ts'
import { clientSecret } from '../credentials.ts'
import { sourceOf } from '../install.ts'
import { ask, beginSessions, readRefreshToken } from '../sessions.ts'

/** One file as most people would write it, with the packages that Mintage has too. */
export const naive: Subject = {
  name: 'naive',
  signature: 'RS256',
  durable: 'every refresh (SQLite, full synchronisation)',
  async install({ directory, sessions }) {
    const port = await findFreePort()
    const origin = `http://127.0.0.1:${port}`
    const requests = renderGrants('/token', renderBasic('service', clientSecret))
    const session = { path: '/bench/session', headers: {}, body: '' }
    return {
      recipe: {
        name: 'naive',
        args: [join(sourceOf('naive'), 'server.mjs'), String(port), join(directory, 'naive.db')],
        environment: { CLIENT_SECRET: clientSecret },
        port,
        readiness: requests.client_credentials,
      },
      requests,
      startSessions: () => beginSessions(sessions, async () => readRefreshToken(await ask(origin, session))),
      verify: verifyByKeySet(`${origin}/jwks`),
    }
  },
}
