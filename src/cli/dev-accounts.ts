import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { AdminError } from '../admin/admin-error.ts'
import type { Administration } from '../admin/administration.ts'
import type { Config } from '../config.ts'
import { warn } from './output.ts'

/** What `mintage dev` prints and keeps in `dev.json` (0600). */
export interface DevAccounts {
  readonly client_id: string
  readonly client_secret: string
  readonly public_client_id: string
  readonly username: string
  readonly password: string
  readonly audience: string
  readonly scope: string
}

const clientId = 'dev-service'
/** Its id, which the Django wire formats act for. */
export const devPublicClient = 'dev-app'
const username = 'dev'
const audience = 'https://api.dev.example'
const scopes = ['orders:read', 'orders:write']

/** What a second start takes over from the file. */
const keptAccounts = z.object({ client_secret: z.string().min(1), password: z.string().min(1) })

/** Makes what is missing of the API, the two clients and the user, with random credentials, and keeps the rest. */
export async function prepareDevAccounts(data: string, config: Config): Promise<DevAccounts> {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const file = join(data, 'dev.json')
  const kept = readAccounts(file)
  const { openInstallation } = await import('../compose/installation.ts')
  const installation = await openInstallation(config, { onProblem: warn, refuseOld: true })
  try {
    const { administration } = installation
    await ensureApi(administration)
    const secret = await ensureClient(administration, kept?.client_secret)
    await ensurePublicClient(administration)
    const password = await ensureUser(administration, kept?.password)
    const accounts: DevAccounts = {
      client_id: clientId,
      client_secret: secret,
      public_client_id: devPublicClient,
      username,
      password,
      audience,
      scope: scopes.join(' '),
    }
    keep(file, accounts)
    return accounts
  } finally {
    await installation.close()
  }
}

async function ensureApi({ apis }: Administration): Promise<void> {
  if (!(await apis.list()).some((api) => api.audience === audience)) await apis.create(audience, { scopes })
}

/** A client whose secret nobody remembers gets a new one. */
async function ensureClient({ clients }: Administration, secret: string | undefined): Promise<string> {
  if (!(await clients.list()).some((client) => client.clientId === clientId)) {
    const created = await clients.create(clientId, false, {
      grants: ['client_credentials', 'password', 'refresh_token'],
      audiences: [audience],
    })
    return created.secret ?? ''
  }
  return secret ?? clients.rotateSecret(clientId, 0)
}

async function ensurePublicClient({ clients }: Administration): Promise<void> {
  if ((await clients.list()).some((client) => client.clientId === devPublicClient)) return
  await clients.create(devPublicClient, true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
  })
}

async function ensureUser({ users }: Administration, password: string | undefined): Promise<string> {
  for await (const user of users.list()) {
    if (user.username !== username) continue
    if (password !== undefined) return password
    const created = randomPassword()
    await users.setPassword(username, created)
    return created
  }
  const created = password ?? randomPassword()
  await users.create(username, { email: 'dev@example.org', password: created })
  return created
}

/** Longer than any configurable least length, and nothing in it that a shell would take for its own. */
function randomPassword(): string {
  return randomBytes(33).toString('hex')
}

function readAccounts(file: string): Pick<DevAccounts, 'client_secret' | 'password'> | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new AdminError(
      `${file} cannot be read (${error instanceof Error ? error.message : error}): make it a file that you can read.`,
      { cause: error },
    )
  }
  const kept = keptAccounts.safeParse(parseJson(text))
  if (kept.success) return kept.data
  throw new AdminError(`${file} is damaged: delete it, and the next start makes new credentials.`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function keep(file: string, accounts: DevAccounts): void {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, file)
}
