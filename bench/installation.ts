import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Connection, renderHead } from './load/connection.ts'
import { findFreePort, inheritEnvironment, ServerProcess, type ServerRecipe } from './server-process.ts'
import { renderBasic, renderGrants } from './subjects/oauth.ts'
import type { Installed } from './subjects/subject.ts'
import { verifyByKeySet } from './subjects/verification.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Of this checkout. */
export const ownExecutable = findExecutable(root)
const audience = 'https://api.example'
/** Of the user `ada`. */
export const password = 'correct horse battery staple'
const loginsAtOnce = 8

/** How to start a Mintage, and the `Authorization` header of its client. */
export interface MintageRecipe extends ServerRecipe {
  readonly authorization: string
}

/** A Mintage on a database that exists already. */
export interface InstalledMintage extends Installed {
  readonly recipe: MintageRecipe
  /** One of each session. */
  readonly refreshTokens: readonly string[]
}

/** What a checkout says that its executable is. */
export function findExecutable(checkout: string): string {
  const { bin } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
  return resolve(checkout, bin.mintage)
}

/**
 * Installs one Mintage in `directory`: the client `service`, the user `ada`, and as many sessions of hers. `settings`
 * are of its environment.
 */
export async function installMintage(
  name: string,
  executable: string,
  directory: string,
  sessions: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<InstalledMintage> {
  const port = await findFreePort()
  const environment = {
    MINTAGE_ISSUER: `http://127.0.0.1:${port}`,
    MINTAGE_PORT: String(port),
    MINTAGE_DATABASE_URL: `sqlite:${join(directory, `${name}.db`)}`,
    MINTAGE_KEYS_DIR: join(directory, `${name}-keys`),
    // As in production there is one, but two servers at once cannot have the same port.
    MINTAGE_ADMIN_PORT: '0',
    // Every client is on one network, and nobody guesses.
    MINTAGE_THROTTLE: 'off',
    ...settings,
  }
  // Logging in is not what is measured here, so it may be quick.
  const quickLogins = { ...environment, MINTAGE_BCRYPT_COST: '4', MINTAGE_THROTTLE: 'off' }
  const run = (args: readonly string[], input = '') =>
    execFileSync(process.execPath, [executable, ...args], {
      env: { ...inheritEnvironment(), ...quickLogins },
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
  run(['api', 'create', audience, '--scope', 'orders:read orders:write'])
  const granted = ['client_credentials', 'password', 'refresh_token'].flatMap((grant) => ['--grant', grant])
  const created = run(['client', 'create', '--id', 'service', ...granted, '--audience', audience, '--json'])
  const { client_secret: secret } = JSON.parse(created.toString())
  run(['user', 'create', 'ada', '--password-stdin'], password)
  const authorization = renderBasic('service', secret)
  const requests = renderGrants('/oauth2/token', authorization)
  const recipe: MintageRecipe = {
    name,
    args: [executable, 'serve'],
    environment,
    port,
    authorization,
    readiness: requests.client_credentials,
  }
  const server = await ServerProcess.start({ ...recipe, environment: quickLogins })
  try {
    const refreshTokens = await logIn(recipe, sessions)
    return {
      recipe,
      requests,
      refreshTokens,
      startSessions: async () => refreshTokens,
      verify: verifyByKeySet(`http://127.0.0.1:${port}/.well-known/jwks.json`),
    }
  } finally {
    await server.stop()
  }
}

/** Starts the sessions, and gives their first refresh tokens. */
async function logIn({ port, authorization }: MintageRecipe, sessions: number): Promise<readonly string[]> {
  const head = renderHead(port, authorization)
  const form = `grant_type=password&username=ada&password=${encodeURIComponent(password)}`
  const tokens: string[] = []
  const client = async () => {
    const connection = await Connection.open(port)
    while (tokens.length < sessions) {
      const { status, body } = await connection.post(head, form)
      if (status !== 200) throw new Error(`A login was refused with ${status}: ${body}`)
      tokens.push(JSON.parse(body).refresh_token)
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: loginsAtOnce }, client))
  return tokens.slice(0, sessions)
}
