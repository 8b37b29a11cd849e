import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Administration } from '../../src/admin/administration.ts'
import { type Installation, openInstallation } from '../../src/compose/installation.ts'
import { type RunningIssuer, startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Store } from '../../src/store/store.ts'
import { type ChildIssuer, type CommandResult, runMintage, startChildIssuer } from './child-issuer.ts'
import { audience, password, scopes } from './in-process-issuer.ts'

/** A client that can prove who it is. */
export interface Confidential {
  readonly id: string
  readonly secret: string
}

/** One database and one keys directory, on which any number of issuers may be started. */
export interface SharedInstallation {
  readonly directory: string
  readonly databaseFile: string
  readonly administration: Administration
  readonly store: Store
  /** Has the installation's retry window. */
  readonly service: Confidential
  /** Another client with the same rights. */
  readonly stranger: Confidential
  /** Has no retry window: it may retry by key only. */
  readonly strict: Confidential
  /** The name of the one user. */
  readonly username: string
  /** Starts `mintage serve` as a process of its own; port 0 takes a free one. `settings` are this process's alone. */
  startChild(port?: number, settings?: Readonly<Record<string, string>>): Promise<ChildIssuer>
  /** Runs a command on it. */
  run(...args: readonly string[]): Promise<CommandResult>
  /** Starts an issuer in this process. */
  startHere(): Promise<RunningIssuer>
  close(): Promise<void>
}

const issuer = 'http://127.0.0.1'

/** Makes an installation with one API, three clients and one user. */
export async function createInstallation(
  options: { readonly environment?: Readonly<Record<string, string>>; readonly clock?: Clock } = {},
): Promise<SharedInstallation> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  const databaseFile = join(directory, 'mintage.db')
  const environment = {
    MINTAGE_ISSUER: issuer,
    MINTAGE_PORT: '0',
    MINTAGE_DATABASE_URL: `sqlite:${databaseFile}`,
    MINTAGE_KEYS_DIR: join(directory, 'keys'),
    MINTAGE_BCRYPT_COST: '4',
    MINTAGE_HASH_THREADS: '1',
    MINTAGE_LOG_LEVEL: 'silent',
    MINTAGE_ADMIN_PORT: 'off',
    // Models log one user in more often than anybody does.
    MINTAGE_THROTTLE: 'off',
    ...options.environment,
  }
  const config = readConfig(environment)
  const clock = options.clock ? { clock: options.clock } : {}
  const installation = await openInstallation(config, { onProblem: () => undefined, ...clock })
  await installation.administration.apis.create(audience, { scopes })
  const username = 'ada'
  await installation.administration.users.create(username, { password })
  return {
    directory,
    databaseFile,
    administration: installation.administration,
    store: installation.store,
    service: await createClient(installation, 'service'),
    stranger: await createClient(installation, 'stranger'),
    strict: await createClient(installation, 'strict', 0),
    username,
    startChild: (port = 0, settings = {}) =>
      startChildIssuer(['serve'], { ...environment, MINTAGE_PORT: String(port), ...settings }),
    run: (...args) => runMintage(args, environment),
    startHere: () => startIssuer({ config, ...clock }),
    async close() {
      await installation.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function createClient(
  { administration }: Installation,
  id: string,
  retryWindow: number | null = null,
): Promise<Confidential> {
  const { secret } = await administration.clients.create(id, false, {
    grants: ['client_credentials', 'password', 'refresh_token'],
    audiences: [audience],
    retryWindow,
  })
  return { id, secret: secret ?? '' }
}
