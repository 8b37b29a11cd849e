/** An issuer in a process of its own: a real one, with copies of a real token signed by its key, since the endpoint would take all day. */
import { createPrivateKey, randomInt, randomUUID, sign } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openInstallation } from '../../src/compose/installation.ts'
import { startIssuer } from '../../src/compose.ts'
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

/** A real token is the pattern: only its id and its place in the list differ, as they do between real ones. */
const pattern = await mint()
const [header = '', payload = ''] = pattern.split('.')
const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
const file = readdirSync(config.keysDir).find((name) => name.includes(kidOf(header))) ?? ''
const privateKey = createPrivateKey(readFileSync(join(config.keysDir, file)))

function kidOf(encoded: string): string {
  return JSON.parse(Buffer.from(encoded, 'base64url').toString()).kid
}

function copy(): string {
  const { status, ...rest } = claims
  const { idx, uri } = status.status_list
  const place = { status_list: { idx: (idx + randomInt(1_000)) % 1_000, uri } }
  const body = { ...rest, jti: randomUUID(), status: place }
  const input = `${header}.${Buffer.from(JSON.stringify(body)).toString('base64url')}`
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
}

process.on('message', (count: number) => {
  process.send?.(Array.from({ length: count }, copy))
})
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
process.on('SIGTERM', () => void running.stop('end').then(() => process.exit(0)))

const { keys }: { keys: object[] } = JSON.parse(await (await fetch(`${url}/.well-known/jwks.json`)).text())
process.send?.({ issuer: url, audience, jwk: keys[0] })
