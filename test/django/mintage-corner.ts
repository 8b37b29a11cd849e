import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientSettings } from '../../src/admin/client-admin.ts'
import { minute, second } from '../../src/lib/durations.ts'
import { readVersion } from '../../src/lib/version.ts'
import { type ChildInstallation, makeChildInstallation } from '../support/child-installation.ts'
import { eventually } from '../support/eventually.ts'
import { type Corner, type LabUser, secretOfUsers } from './corner.ts'
import { decode, encode } from './jwt.ts'

/** What a client says of the Django wire formats. */
export type DjangoSettings = NonNullable<ClientSettings['django']>

/** The lives that the packages' defaults have. */
const lives = { MINTAGE_ACCESS_TOKEN_TTL: '5m', MINTAGE_SESSION_IDLE_TTL: '1d' }

/** Starts `mintage serve` with the Django endpoints, with the users under the ids that Django gave them. */
export async function startMintage(users: readonly LabUser[], django: DjangoSettings = {}): Promise<Corner> {
  const installation = await makeChildInstallation({
    environment: { ...lives, MINTAGE_SIMPLEJWT_CLIENT: 'web', MINTAGE_DRF_JWT_CLIENT: 'web' },
  })
  await installation.prepare(async ({ apis, clients, users: administration }) => {
    await apis.create('https://api.example', { claimsPreset: 'simplejwt' })
    await clients.create('web', true, { grants: ['password', 'refresh_token'], django })
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
      const past = Math.floor((Date.now() - minute) / 1000)
      if (decode(token)?.header['alg'] === 'RS256') return sign(token, (claims) => ({ ...claims, exp: past }))
      return expireRefreshToken(installation, server.url)
    },
    stop: () => installation.remove(),
  }
}

/** Nobody but the server can sign its refresh tokens: one of a session that may idle for a second is waited for. */
async function expireRefreshToken(installation: ChildInstallation, url: string): Promise<string> {
  const allow = (sessionIdleTtl: number | null) =>
    installation.prepare(({ clients }) => clients.update('web', { sessionIdleTtl }))
  const leftOf = (token: string) => Number(decode(token)?.claims['exp']) * 1000 - Date.now()
  await allow(second)
  const token = await eventually(
    () => logIn(url),
    (each) => leftOf(each) < minute,
  )
  await allow(null)
  await eventually(
    async () => leftOf(token),
    // The token says it in whole seconds, the session knows it better.
    (left) => left < -second,
  )
  await eventually(
    () => logIn(url),
    (each) => leftOf(each) > minute,
  )
  return token
}

async function logIn(url: string): Promise<string> {
  const response = await fetch(`${url}/api/token/`, {
    method: 'POST',
    body: new URLSearchParams({ username: 'ada', password: secretOfUsers }),
  })
  const { refresh }: { readonly refresh?: string } = JSON.parse(await response.text())
  if (refresh === undefined) throw new Error(`No refresh token, but ${response.status}.`)
  return refresh
}
