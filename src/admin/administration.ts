import type { Vaults } from '../keys/installed-vault.ts'
import type { RingKeeper } from '../keys/ring-keeper.ts'
import type { Vault } from '../keys/vault.ts'
import type { AuditKeys, AuditTrail } from '../store/audit/audit-trail.ts'
import type { Store } from '../store/store.ts'
import type { HashPool } from '../users/hash-pool.ts'
import { ApiAdmin } from './api-admin.ts'
import { AuditAdmin } from './audit-admin.ts'
import { AuditSealAdmin } from './audit-seal-admin.ts'
import { BlacklistImport } from './blacklist-import.ts'
import { ClientAdmin } from './client-admin.ts'
import { KeyAdmin } from './key-admin.ts'
import { Recovery } from './recovery.ts'
import { SessionAdmin } from './session-admin.ts'
import { ThrottleAdmin } from './throttle-admin.ts'
import { TokenInspection } from './token-inspection.ts'
import { UserAdmin } from './user-admin.ts'
import { UserImport } from './user-import.ts'
import { VaultAdmin } from './vault-admin.ts'

export interface AdministrationOptions {
  readonly store: Store
  readonly hashes: HashPool
  readonly keeper: RingKeeper
  readonly vault: Vault
  readonly vaults: Vaults
  readonly trail: AuditTrail
  readonly auditKeys: AuditKeys
  /** In characters. */
  readonly passwordMinLength: number
  /** The `iss`; undefined where the configuration names none. */
  readonly issuer: string | undefined
}

/** Every use case of administration, for commands and, later, for HTTP. */
export class Administration {
  readonly clients: ClientAdmin
  readonly users: UserAdmin
  readonly apis: ApiAdmin
  readonly sessions: SessionAdmin
  readonly keys: KeyAdmin
  readonly audit: AuditAdmin
  readonly userImport: UserImport
  readonly blacklistImport: BlacklistImport
  readonly tokens: TokenInspection
  readonly auditSeal: AuditSealAdmin
  readonly recovery: Recovery
  readonly throttles: ThrottleAdmin
  readonly vault: VaultAdmin

  constructor(options: AdministrationOptions) {
    this.clients = new ClientAdmin(options.store)
    this.users = new UserAdmin(options)
    this.apis = new ApiAdmin(options.store)
    this.sessions = new SessionAdmin(options.store, this.users)
    this.keys = new KeyAdmin(options.keeper, options.vault, options.trail)
    this.audit = new AuditAdmin(options.store)
    this.userImport = new UserImport(options.store)
    this.blacklistImport = new BlacklistImport(options.store)
    this.tokens = new TokenInspection(options)
    this.auditSeal = new AuditSealAdmin(options)
    this.recovery = new Recovery(options)
    this.throttles = new ThrottleAdmin(options)
    this.vault = new VaultAdmin(options)
  }
}
