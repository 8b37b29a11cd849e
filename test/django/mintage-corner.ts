import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { readVersion } from '../../src/lib/version.ts'
import { makeChildInstallation } from '../support/child-installation.ts'
import type { Corner, LabUser } from './corner.ts'
import { decode, encode } from './jwt.ts'

/** The lives that the packages' defaults have. */
const lives = { MINTAGE_ACCESS_TOKEN_TTL: '5m', MINTAGE_SESSION_IDLE_TTL: '1d' }

const minute = 60_000

/** Starts `mintage serve` with the Django endpoints, with the users under the ids that Django gave them. */
export async function startMintage(users: readonly LabUser[]): Promise<Corner> {
  const installation = await makeChildInstallation({
    environment: { ...lives, MINTAGE_SIMPLEJWT_CLIENT: 'web', MINTAGE_DRF_JWT_CLIENT: 'web' },
  })
  await installation.prepare(async ({ apis, clients, users: administration }) => {
    await apis.create('https://api.example', { claimsPreset: 'simplejwt' })
    await clients.create('web', true, { grants: ['password', 'refresh_token'] })
    for (const [index, { username, email, password, active }] of users.entries()) {
      await administration.create(username, { email, password, claims: { user_id: index + 1 } })
      if (!active) await administration.disable(username)
    }
  })
  const server = await installation.serve()
  const sign: Corner['sign'] = (token, alter) => {
    const decoded = decode(token)
    if (!decoded) throw new Error('Not a JWT.')
    const key = readFileSync(join(installation.keysDir, `${decoded.header['kid']}.pem`), 'utf8')
    return encode({ header: decoded.header, claims: alter(decoded.claims) }, key)
  }
  return {
    url: server.url,
    versions: { Mintage: readVersion() },
    sign,
    change: (change) =>
      installation.prepare(async ({ users: administration }) => {
        if (change.action === 'set-password')
          await administration.setPassword(change.username, change.password)
        else await administration[change.action](change.username)
      }),
    async expire(token) {
      const past = Date.now() - minute
      if (decode(token)?.header['alg'] === 'RS256') return sign(token, (claims) => ({ ...claims, exp: Math.floor(past / 1000) }))
      // What counts of a refresh token is its session's life. No scenario uses a session of another.
      const database = new Database(join(installation.directory, 'mintage.db'))
      database.prepare('UPDATE sessions SET idle_expires_at = ?').run(past)
      database.close()
      return token
    },
    stop: () => installation.remove(),
  }
}
