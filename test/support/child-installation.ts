import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Administration } from '../../src/admin/administration.ts'
import { openInstallation } from '../../src/compose/installation.ts'
import { readConfig } from '../../src/config.ts'
import { type ChildIssuer, runMintage, startChildIssuer } from './child-issuer.ts'

/** A database and a keys directory that commands administer and `mintage serve` processes serve. */
export interface ChildInstallation {
  readonly issuer: string
  readonly directory: string
  readonly keysDir: string
  /** Its settings, for a command of its own. */
  readonly environment: Readonly<Record<string, string>>
  /** Starts a server: on the port that the issuer names, or on a free one beside it. */
  serve(options?: ServeOptions): Promise<ChildIssuer>
  /** Administers it from within this process, which is quicker than commands, for what a test only needs. */
  prepare<T>(use: (administration: Administration) => Promise<T>): Promise<T>
  /** Runs a command with `--json` and reads what it prints; throws what it says when it fails. */
  administer(...args: readonly string[]): Promise<unknown>
  /** As {@link administer}, with text on stdin. */
  administerWith(stdin: string, ...args: readonly string[]): Promise<unknown>
  /** Ends every server that still runs and deletes the files. */
  remove(): Promise<void>
}

export interface ServeOptions {
  readonly port?: 'free'
  /** What this server has otherwise than the installation. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface ChildInstallationOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** What stands behind host and port in the issuer. */
  readonly path?: string
}

/** A new, empty installation; without a test, whoever makes it removes it. */
export async function makeChildInstallation(
  options: ChildInstallationOptions = {},
): Promise<ChildInstallation> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  const keysDir = join(directory, 'keys')
  const port = String(await findFreePort())
  const issuer = `http://127.0.0.1:${port}${options.path ?? ''}`
  const environment = {
    MINTAGE_ISSUER: issuer,
    MINTAGE_PORT: port,
    MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'mintage.db')}`,
    MINTAGE_KEYS_DIR: keysDir,
    MINTAGE_BCRYPT_COST: '4',
    MINTAGE_HASH_THREADS: '1',
    MINTAGE_LOG_LEVEL: 'warn',
    MINTAGE_ADMIN_PORT: 'off',
    // Tests fail logins by the dozen; those of throttling ask for it.
    MINTAGE_THROTTLE: 'off',
    ...options.environment,
  }
  const running: ChildIssuer[] = []
  const administerWith = async (stdin: string, ...args: readonly string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await runMintage([...args, '--json'], environment, stdin)
    if (code !== 0) throw new Error(`mintage ${args.join(' ')} ended with ${code}: ${stderr}`)
    return JSON.parse(stdout)
  }
  return {
    issuer,
    directory,
    keysDir,
    environment,
    async serve({ port, environment: own } = {}) {
      const settings = { ...environment, ...(port && { MINTAGE_PORT: '0' }), ...own }
      const child = await startChildIssuer(['serve'], settings)
      running.push(child)
      return child
    },
    async prepare(use) {
      const opened = await openInstallation(readConfig(environment), { onProblem: () => undefined })
      try {
        return await use(opened.administration)
      } finally {
        await opened.close()
      }
    },
    administer: (...args) => administerWith('', ...args),
    administerWith,
    async remove() {
      await Promise.all(running.map((child) => child.end()))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** As {@link makeChildInstallation}, removed after the test. */
export async function startChildInstallation(
  t: ExecutionContext,
  options?: ChildInstallationOptions,
): Promise<ChildInstallation> {
  const installation = await makeChildInstallation(options)
  t.teardown(() => installation.remove())
  return installation
}

/** A member of what a command printed. */
export function member(printed: unknown, name: string): string {
  if (typeof printed === 'object' && printed !== null) {
    const value: unknown = Object.getOwnPropertyDescriptor(printed, name)?.value
    if (typeof value === 'string') return value
  }
  throw new Error(`No ${name} in ${JSON.stringify(printed)}`)
}

/** A port that nothing listens on at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address === 'object' && address !== null) return address.port
  throw new Error('No port was free.')
}
