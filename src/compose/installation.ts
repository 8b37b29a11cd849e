import { Administration } from '../admin/administration.ts'
import type { Config } from '../config.ts'
import { createTrail, VaultAuditKeys } from '../keys/audit-keys.ts'
import { createVaults, findPresent } from '../keys/installed-vault.ts'
import { RingKeeper } from '../keys/ring-keeper.ts'
import type { Clock } from '../lib/clock.ts'
import { openStore, type Store } from '../store/store.ts'
import { HashPool } from '../users/hash-pool.ts'
import { hashPolicy, keyPolicy } from './policies.ts'

/** What the commands that administer an installation need of it. */
export interface Installation {
  readonly administration: Administration
  readonly store: Store
  close(): Promise<void>
}

export interface InstallationOptions {
  /** Told of what went wrong after the change was made, such as a file that could not be deleted. */
  readonly onProblem: (error: unknown) => void
  readonly clock?: Clock
  /** Refuses where there is no SQLite file yet, which would be made otherwise. */
  readonly mustExist?: boolean
  /** Refuses a database that was taken back in time; otherwise the problem is told when something was changed. */
  readonly refuseOld?: boolean
  /** Whether the keys are used where they lie, be it elsewhere than the configuration says: to be moved. */
  readonly anyVault?: boolean
}

/** Opens an installation for administration, beside a server that may be running on it. */
export async function openInstallation(
  config: Config,
  { onProblem, refuseOld = false, anyVault = false, ...options }: InstallationOptions,
): Promise<Installation> {
  const store = await openStore({ url: config.databaseUrl, isPatient: true, ...options })
  const vaults = createVaults(config, store)
  const vault = anyVault ? await findPresent(vaults, store) : vaults.configured
  const trail = createTrail(vault, config, { store, onError: onProblem, onWarning: onProblem })
  store.stampWith(async () => {
    // Before the first change: rows that another vault's key should have stamped would pass for forged for ever.
    if (!anyVault) await vault.confirm(store.secrets)
    return trail.openIfPossible()
  })
  if (refuseOld) {
    await trail.refuseOld().catch(async (error) => {
      await store.close()
      throw error
    })
  }
  const hashes = new HashPool(hashPolicy(config))
  const keeper = new RingKeeper({
    store,
    vault,
    policy: keyPolicy(config),
    onError: onProblem,
  })
  return {
    store,
    administration: new Administration({
      store,
      hashes,
      keeper,
      vault,
      vaults,
      trail,
      auditKeys: new VaultAuditKeys(vault),
      passwordMinLength: config.passwordMinLength,
      issuer: config.issuer,
    }),
    async close() {
      await hashes.close()
      await trail.settle().catch(onProblem)
      await store.close()
    },
  }
}
