import type { Vaults } from '../keys/installed-vault.ts'
import type { SealedVault } from '../keys/sealed-vault.ts'
import { VaultError } from '../keys/vault.ts'
import type { Store } from '../store/store.ts'
import { AdminError } from './admin-error.ts'

/** What a move has done. */
export interface MoveOutcome {
  /** How many keys were moved; 0 when they lay there already. */
  readonly moved: number
  /** Files of keys that were not deleted. */
  readonly left: readonly string[]
}

/** Where private keys lie, and under which key. Every method throws {AdminError} for what cannot be done. */
export class VaultAdmin {
  readonly #store: Store
  readonly #vaults: Vaults

  constructor(options: { readonly store: Store; readonly vaults: Vaults }) {
    this.#store = options.store
    this.#vaults = options.vaults
  }

  /**
   * Seals every key in the database under the current vault key, in one transaction: a crash leaves all or none.
   * @returns how many lay under the one before.
   */
  async reseal(): Promise<number> {
    const sealed = this.#requireSealed()
    await sealed.confirm(this.#store.secrets)
    return await this.#store.transaction(async (tx) => {
      const count = await sealed.reseal(tx.secrets)
      const { vaultKey } = await tx.secrets.standing()
      if (count > 0 && vaultKey !== null) await tx.record({ type: 'vault.resealed', vaultKey, count })
      return count
    })
  }

  /** Moves every key to the database or to the directory that the configuration names; files go once they are moved. */
  async move(to: 'database' | 'directory'): Promise<MoveOutcome> {
    const sealed = this.#requireSealed()
    if (!(await this.#store.secrets.standing()).hasKeys) {
      throw new AdminError('There are no keys yet: they are made where the configuration says.')
    }
    // Loaded here, since no other command needs it, and no server.
    const { VaultMove } = await import('../keys/vault-move.ts')
    const move = new VaultMove(this.#store, this.#vaults.directory, sealed)
    if (to === 'directory') return { moved: await move.intoDirectory(), left: [] }
    const moved = await move.intoDatabase()
    return { moved, left: await move.deleteFiles() }
  }

  /**
   * Gives up the keys that lie under a vault key that is lost, so that others can be made.
   * @returns how many there were.
   */
  async giveUpLost(): Promise<number> {
    const sealed = this.#requireSealed()
    try {
      await sealed.confirm(this.#store.secrets)
    } catch (error) {
      if (!(error instanceof VaultError && error.problem === 'locked')) throw error
      return await this.#store.withSecrets((secrets) => sealed.giveUp(secrets))
    }
    throw new AdminError(
      'The vault key is not lost: what is sealed opens with the one that is configured. If it has leaked: mintage keys reseal, then mintage keys revoke --all',
    )
  }

  #requireSealed(): SealedVault {
    const { sealed } = this.#vaults
    if (sealed) return sealed
    throw new AdminError(
      'MINTAGE_VAULT_KEY is missing: it names the key that the keys are sealed under in the database.',
    )
  }
}
