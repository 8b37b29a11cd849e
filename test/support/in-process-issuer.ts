import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Administration } from '../../src/admin/administration.ts'
import { openInstallation } from '../../src/compose/installation.ts'
import { startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Store } from '../../src/store/store.ts'

export const audience = 'https://api.example'
export const scopes = ['orders:read', 'orders:write'] as const
export const password = 'correct horse battery staple'

/** A clock that stands still until it is moved; real time at first. */
export class TestClock implements Clock {
  #now = Date.now()

  now(): number {
    return this.#now
  }

  /** `milliseconds` may be negative. */
  advance(milliseconds: number): void {
    this.#now += milliseconds
  }
}

/** A real server on a free port, on a real database in a directory of its own. */
export interface TestIssuer {
  readonly url: string
  /** Of the admin listener, which is off unless the environment asks for it. */
  readonly adminUrl: string
  readonly directory: string
  readonly databaseUrl: string
  readonly keysDir: string
  /** Administers the database that the server runs on, beside it, as a command would. */
  readonly administration: Administration
  /** The database, for looking into it. */
  readonly store: Store
  /** The confidential client `service`, with every grant. */
  readonly service: { readonly id: string; readonly secret: string }
  /** The public client. */
  readonly app: { readonly id: string }
  readonly user: { readonly id: string; readonly username: string }
  stop(): Promise<void>
}

export interface TestIssuerOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly clock?: Clock
  /** The `iss`; its own URL by default. */
  readonly issuer?: string
}

/** Starts an issuer with one API, two clients and one user, and stops it after the test. */
export async function startTestIssuer(
  t: ExecutionContext,
  options: TestIssuerOptions = {},
): Promise<TestIssuer> {
  const issuer = await openTestIssuer(options)
  t.teardown(issuer.stop)
  return issuer
}

/** The same for a whole file: its last hook stops it. */
export async function openTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  const databaseUrl = `sqlite:${join(directory, 'mintage.db')}`
  const keysDir = join(directory, 'keys')
  const config = readConfig({
    MINTAGE_PORT: '0',
    MINTAGE_DATABASE_URL: databaseUrl,
    MINTAGE_KEYS_DIR: keysDir,
    MINTAGE_BCRYPT_COST: '4',
    MINTAGE_HASH_THREADS: '1',
    MINTAGE_LOG_LEVEL: 'silent',
    MINTAGE_ADMIN_PORT: 'off',
    // Tests fail logins by the dozen; those of throttling ask for it.
    MINTAGE_THROTTLE: 'off',
    ...options.environment,
  })
  const { clock } = options
  const installation = await openInstallation(config, { onProblem: () => undefined, ...(clock && { clock }) })
  const { administration } = installation
  await administration.apis.create(audience, { scopes })
  const service = await administration.clients.create('service', false, {
    grants: ['client_credentials', 'password', 'refresh_token'],
    audiences: [audience],
  })
  await administration.clients.create('app', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
  })
  const user = await administration.users.create('ada', { email: 'ada@example.org', password })
  const running = await startIssuer({
    config,
    ...(clock && { clock }),
    prepare: async (url) => options.issuer ?? url,
  })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= running
      .stop('end of test')
      .then(() => installation.close())
      .then(() => rmSync(directory, { recursive: true, force: true }))
    return stopped
  }
  return {
    url: running.url,
    adminUrl: running.adminUrl ?? '',
    directory,
    databaseUrl,
    keysDir,
    administration,
    store: installation.store,
    service: { id: 'service', secret: service.secret ?? '' },
    app: { id: 'app' },
    user: { id: user.id, username: user.username },
    stop,
  }
}
