import { DirectoryVault } from './directory-vault.ts'
import { SealedVault, type SecretStore } from './sealed-vault.ts'
import { type SecretName, type Vault, VaultError } from './vault.ts'
import { VaultKey } from './vault-key.ts'

/** What the configuration says of vaults. */
export interface VaultSettings {
  readonly keysDir: string
  /** 32 bytes. */
  readonly vaultKey: Buffer | undefined
  readonly vaultKeyPrevious: Buffer | undefined
}

/** The vaults that an installation may have its keys in. */
export interface Vaults {
  /** As it is, whether the keys lie there or not. */
  readonly directory: DirectoryVault
  /** Undefined without a vault key. */
  readonly sealed: SealedVault | undefined
  /** The one that the configuration means. */
  readonly configured: Vault
}

/** Does no I/O. */
export function createVaults(
  { keysDir, vaultKey, vaultKeyPrevious }: VaultSettings,
  store: SecretStore,
): Vaults {
  const sealed =
    vaultKey &&
    new SealedVault(store, {
      current: new VaultKey(vaultKey),
      previous: vaultKeyPrevious && new VaultKey(vaultKeyPrevious),
    })
  return {
    directory: new DirectoryVault(keysDir),
    sealed,
    configured: sealed ?? new InstalledDirectory(keysDir, store),
  }
}

/** The vault in which the keys lie, or would. */
export async function findPresent(
  { directory, sealed }: Vaults,
  store: Pick<SecretStore, 'secrets'>,
): Promise<Vault> {
  const { vaultKey } = await store.secrets.standing()
  return vaultKey !== null && sealed ? sealed : directory
}

/** A directory that says so when the keys of the installation are sealed in the database instead. */
class InstalledDirectory extends DirectoryVault {
  readonly #store: Pick<SecretStore, 'secrets'>

  constructor(directory: string, store: Pick<SecretStore, 'secrets'>) {
    super(directory)
    this.#store = store
  }

  override async save(name: SecretName, secret: string): Promise<void> {
    await this.confirm(this.#store.secrets)
    await super.save(name, secret)
  }

  override async load(name: SecretName): Promise<string> {
    try {
      return await super.load(name)
    } catch (error) {
      if (error instanceof VaultError && error.problem === 'missing') await this.confirm(this.#store.secrets)
      throw error
    }
  }
}
