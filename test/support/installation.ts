import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { openInstallation } from '../../src/compose/installation.ts'
import { readConfig } from '../../src/config.ts'
import { audience, password, scopes } from './in-process-issuer.ts'

/** A directory of its own, deleted after the test. */
export function makeDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The settings of `mintage serve` on a directory, with cheap hashes and a free port. */
export function serveEnvironment(directory: string): Readonly<Record<string, string>> {
  return {
    MINTAGE_ISSUER: 'https://issuer.example',
    MINTAGE_PORT: '0',
    MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'mintage.db')}`,
    MINTAGE_KEYS_DIR: join(directory, 'keys'),
    MINTAGE_BCRYPT_COST: '4',
    MINTAGE_HASH_THREADS: '1',
    MINTAGE_ADMIN_PORT: 'off',
  }
}

/** Registers an API, a confidential and a public client, and a user, for a server in a process of its own. */
export async function registerAccounts(
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly service: { readonly id: string; readonly secret: string } }> {
  const installation = await openInstallation(readConfig(environment), { onProblem: () => undefined })
  try {
    const { apis, clients, users } = installation.administration
    await apis.create(audience, { scopes })
    const { secret = '' } = await clients.create('service', false, {
      grants: ['client_credentials', 'password', 'refresh_token'],
      audiences: [audience],
    })
    await clients.create('app', true, { grants: ['password', 'refresh_token'], audiences: [audience] })
    await users.create('ada', { email: 'ada@example.org', password })
    return { service: { id: 'service', secret } }
  } finally {
    await installation.close()
  }
}
