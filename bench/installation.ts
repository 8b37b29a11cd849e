import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBareDatabase } from './bare/database.ts'
import { Connection, renderHead } from './load/connection.ts'
import { findFreePort, type ServerName, ServerProcess, type ServerRecipe } from './server-process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Of this checkout. */
export const ownExecutable = findExecutable(root)
const bareServer = fileURLToPath(new URL('./bare/server.js', import.meta.url))
const audience = 'https://api.example'
/** Of the user `ada`. */
export const password = 'correct horse battery staple'
const loginsAtOnce = 8

/** A server to measure, on a database that exists already. */
export interface Subject {
  readonly recipe: ServerRecipe
  /** One of each session. */
  readonly refreshTokens: readonly string[]
}

/** The servers, ready to be started, in a directory of their own. */
export interface Installation {
  readonly directory: string
  readonly subjects: readonly Subject[]
  remove(): void
}

/**
 * Installs the bare reference, Mintage by its own commands, and, where `baseline` names another built checkout,
 * that one too, with as many sessions each.
 */
export async function install(sessions: number, baseline?: string): Promise<Installation> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  try {
    const subjects = [
      await installBare(directory, sessions),
      await installMintage('mintage', ownExecutable, directory, sessions),
    ]
    if (baseline !== undefined) {
      subjects.push(await installMintage('baseline', findExecutable(baseline), directory, sessions))
    }
    return { directory, subjects, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** What a checkout says that its executable is. */
function findExecutable(checkout: string): string {
  const { bin } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
  return resolve(checkout, bin.mintage)
}

async function installBare(directory: string, sessions: number): Promise<Subject> {
  const port = await findFreePort()
  const path = join(directory, 'bare.db')
  return {
    recipe: {
      name: 'bare',
      args: [bareServer, String(port), path],
      environment: {},
      port,
      authorization: 'Basic bm9ib2R5Om5vdGhpbmc=',
    },
    refreshTokens: createBareDatabase(path, sessions),
  }
}

/**
 * Installs one Mintage in `directory`: the client `service`, the user `ada`, and as many sessions of hers. `settings`
 * are of its environment.
 */
export async function installMintage(
  name: ServerName,
  executable: string,
  directory: string,
  sessions: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<Subject> {
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
      env: { ...process.env, ...quickLogins },
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
  run(['api', 'create', audience, '--scope', 'orders:read orders:write'])
  const grants = ['client_credentials', 'password', 'refresh_token'].flatMap((grant) => ['--grant', grant])
  const created = run(['client', 'create', '--id', 'service', ...grants, '--audience', audience, '--json'])
  const { client_secret: secret } = JSON.parse(created.toString())
  run(['user', 'create', 'ada', '--password-stdin'], password)
  const recipe: ServerRecipe = {
    name,
    args: [executable, 'serve'],
    environment,
    port,
    authorization: `Basic ${Buffer.from(`service:${secret}`).toString('base64')}`,
  }
  const server = await ServerProcess.start({ ...recipe, environment: quickLogins })
  try {
    return { recipe, refreshTokens: await logIn(recipe, sessions) }
  } finally {
    await server.stop()
  }
}

/** Starts the sessions, and gives their first refresh tokens. */
async function logIn({ port, authorization }: ServerRecipe, sessions: number): Promise<readonly string[]> {
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
