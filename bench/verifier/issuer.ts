/** An issuer in a process of its own: a real one, whose tokens are minted in bulk through its own parts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openInstallation, startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'

const audience = 'https://api.example'
const directory = mkdtempSync(join(tmpdir(), 'mintage-verifier-'))
const config = readConfig({
  MINTAGE_PORT: '0',
  MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'mintage.db')}`,
  MINTAGE_KEYS_DIR: join(directory, 'keys'),
  MINTAGE_LOG_LEVEL: 'silent',
  MINTAGE_ADMIN_PORT: 'off',
})
const installation = await openInstallation(config, { onProblem: () => undefined })
const { apis, clients } = installation.administration
await apis.create(audience, { scopes: ['orders:read', 'orders:write'] })
const { secret = '' } = await clients.create('service', false, { grants: ['client_credentials'] })
const running = await startIssuer({ config, prepare: async (url) => url })
const { url } = running

async function mint(): Promise<string> {
  const answer = await fetch(`${url}/oauth2/token`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${Buffer.from(`service:${secret}`).toString('base64')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  })
  const { access_token: token }: { access_token: string } = JSON.parse(await answer.text())
  return token
}

process.on('message', async (count: number) => {
  const tokens: string[] = []
  let left = count
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (left-- > 0) tokens.push(await mint())
    }),
  )
  process.send?.(tokens)
})
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
process.on('SIGTERM', () => void running.stop('end').then(() => process.exit(0)))

const { keys }: { keys: object[] } = JSON.parse(await (await fetch(`${url}/.well-known/jwks.json`)).text())
process.send?.({ issuer: url, audience, jwk: keys[0] })
