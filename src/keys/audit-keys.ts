import { randomInt } from 'node:crypto'
import { type AuditKeys, AuditTrail, type AuditTrailOptions } from '../store/audit/audit-trail.ts'
import { HighWaterMark } from '../store/audit/high-water-mark.ts'
import { AuditRetention, type AuditRetentionOptions } from '../store/audit/retention.ts'
import type { AuditKey } from '../store/audit/seal.ts'
import { generateMacKey, loadAuditKey } from './key-pair.ts'
import { type Vault, VaultError } from './vault.ts'

/** The keys of the audit trail, `audit-ID.key` in the vault. Old ones stay, for what they sealed. */
export class VaultAuditKeys implements AuditKeys {
  readonly #vault: Vault

  constructor(vault: Vault) {
    this.#vault = vault
  }

  async load(id: number): Promise<AuditKey> {
    return { id, bytes: await loadAuditKey(this.#vault, id) }
  }

  async make(): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      // Drawn, not counted: an old database that was brought back must not give an id out again.
      const id = randomInt(1, 2 ** 31)
      try {
        await this.#vault.save({ kind: 'audit-key', id }, generateMacKey())
        return id
      } catch (error) {
        if (!(error instanceof VaultError && error.problem === 'exists') || attempt === 5) throw error
      }
    }
  }

  discard(id: number): Promise<void> {
    return this.#vault.delete({ kind: 'audit-key', id })
  }
}

/** The audit trail of a process: its keys with the others, and its node's high-water mark in `stateDir` or `keysDir`. */
export function createTrail(
  vault: Vault,
  { keysDir, stateDir }: { readonly keysDir: string; readonly stateDir: string | undefined },
  options: Omit<AuditTrailOptions, 'keys' | 'mark'>,
): AuditTrail {
  const keys = new VaultAuditKeys(vault)
  return new AuditTrail({ ...options, keys, mark: new HighWaterMark(stateDir ?? keysDir) })
}

/** What bounds the audit trail of a process by `auditRetention`, in milliseconds. */
export function createRetention(
  vault: Vault,
  { auditRetention }: { readonly auditRetention: number | undefined },
  options: Omit<AuditRetentionOptions, 'keys' | 'retention'>,
): AuditRetention {
  return new AuditRetention({ ...options, keys: new VaultAuditKeys(vault), retention: auditRetention })
}
