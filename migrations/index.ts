import type { Knex } from 'knex'
import * as core from './0001-core.ts'
import * as status from './0002-status.ts'
import * as auditChain from './0003-audit-chain.ts'
import * as djangoSettings from './0004-django-settings.ts'
import * as userData from './0005-user-data.ts'
import * as usersFromElsewhere from './0006-users-from-elsewhere.ts'
import * as clientCookies from './0007-client-cookies.ts'
import * as passwordImported from './0008-password-imported.ts'
import * as foreignRefreshTokens from './0009-foreign-refresh-tokens.ts'
import * as throttling from './0010-throttling.ts'
import * as sealedSecrets from './0011-sealed-secrets.ts'
import * as additiveMigrations from './0013-additive-migrations.ts'

export interface Migration extends Knex.Migration {
  /** What the database remembers it by. It carries no file extension, so that source and build agree. */
  readonly name: string
  /**
   * Whether a version that does not know it can go on running on the database: no column is gone, has another name or type, or must be filled
   * by whoever writes. So nodes can be upgraded one after the other, and taken back. False where nothing is said.
   */
  readonly additive?: boolean
}

/** Every migration, oldest first. A published one never changes. */
export const migrations: readonly Migration[] = [
  { name: '0001-core', ...core },
  { name: '0002-status', ...status },
  { name: '0003-audit-chain', ...auditChain },
  { name: '0004-django-settings', ...djangoSettings },
  { name: '0005-user-data', ...userData },
  { name: '0006-users-from-elsewhere', ...usersFromElsewhere },
  { name: '0007-client-cookies', ...clientCookies },
  { name: '0008-password-imported', ...passwordImported },
  { name: '0009-foreign-refresh-tokens', ...foreignRefreshTokens },
  { name: '0010-throttling', ...throttling },
  { name: '0011-sealed-secrets', ...sealedSecrets },
  { name: '0013-additive-migrations', ...additiveMigrations },
]
