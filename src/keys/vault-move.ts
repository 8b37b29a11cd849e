import type { Store, StoreTransaction } from '../store/store.ts'
import type { DirectoryVault } from './directory-vault.ts'
import { isWithdrawn } from './schedule.ts'
import type { SealedVault, Secret } from './sealed-vault.ts'
import { type SecretName, VaultError } from './vault.ts'

/** What of the installation a move was planned on. */
interface Seen {
  /** Under which vault key the keys lie in the database; null where they do not. */
  readonly vaultKey: string | null
  readonly ringVersion: number
  readonly auditKey: number | null
  /** Every key that the installation needs; what else lies in a vault was left over by a process that was killed. */
  readonly needed: readonly SecretName[]
}

/**
 * Moves private keys between a directory and the database while servers run. They have moved with one commit, which is
 * planned anew when the ring has changed since it was read; nothing is deleted before it. Whoever was killed on the way
 * runs it again. A server that has not heard of it goes on with the keys that it has loaded, and makes none where nobody
 * would look for it.
 */
export class VaultMove {
  readonly #store: Store
  readonly #directory: DirectoryVault
  readonly #sealed: SealedVault

  constructor(store: Store, directory: DirectoryVault, sealed: SealedVault) {
    this.#store = store
    this.#directory = directory
    this.#sealed = sealed
  }

  /** @returns how many keys were moved; 0 when all of them lay there. @throws {VaultError} */
  async intoDatabase(): Promise<number> {
    for (;;) {
      const seen = await this.#look(this.#directory)
      const missing = seen.vaultKey === null ? seen.needed : await this.#findStragglers(seen.needed)
      if (missing.length === 0) return 0
      const secrets: Secret[] = []
      for (const name of missing) secrets.push([name, await this.#directory.load(name)])
      const isMoved = await this.#commit(seen, async (tx) => {
        await this.#sealed.adopt(tx.secrets, secrets)
        await tx.record({ type: 'vault.moved', to: 'database', count: secrets.length })
      })
      if (isMoved) return secrets.length
    }
  }

  /** @returns how many keys were moved; 0 when all of them lay there. @throws {VaultError} */
  async intoDirectory(): Promise<number> {
    for (;;) {
      const seen = await this.#look(this.#sealed)
      if (seen.vaultKey === null) return 0
      for (const name of seen.needed) await this.#keep(name, await this.#sealed.load(name))
      const isMoved = await this.#commit(seen, async (tx) => {
        await this.#sealed.release(tx.secrets)
        await tx.record({ type: 'vault.moved', to: 'directory', count: seen.needed.length })
      })
      if (isMoved) return seen.needed.length
    }
  }

  /**
   * Deletes the files whose keys open in the database.
   * @returns where those lie that could not be deleted, or that hold what the database does not.
   */
  async deleteFiles(): Promise<readonly string[]> {
    const left: string[] = []
    for (const name of await this.#directory.list()) {
      try {
        const text = await this.#directory.load(name)
        if ((await this.#sealed.load(name)) !== text) throw new VaultError('mismatched', 'Another key.')
        await this.#directory.delete(name)
      } catch (error) {
        if (!(error instanceof VaultError)) throw error
        left.push(this.#directory.locate(name))
      }
    }
    return left
  }

  async #look(source: DirectoryVault | SealedVault): Promise<Seen> {
    const { vaultKey } = await this.#store.secrets.standing()
    const { version: ringVersion, keys, macKeys } = await this.#store.keys.read()
    const { key: auditKey } = await this.#store.auditChain.read()
    // Old keys of the audit trail too, for what they sealed.
    const auditKeys = new Set(
      (await source.list()).flatMap((name) => (name.kind === 'audit-key' ? [name.id] : [])),
    )
    if (auditKey !== null) auditKeys.add(auditKey)
    const needed: readonly SecretName[] = [
      ...keys.filter((key) => !isWithdrawn(key)).map(({ kid }): SecretName => ({ kind: 'signing-key', kid })),
      ...macKeys.filter((key) => !isWithdrawn(key)).map(({ id }): SecretName => ({ kind: 'mac-key', id })),
      ...[...auditKeys].map((id): SecretName => ({ kind: 'audit-key', id })),
    ]
    return { vaultKey, ringVersion, auditKey, needed }
  }

  /** Keys that lie in the directory although those of the installation lie in the database. */
  async #findStragglers(needed: readonly SecretName[]): Promise<readonly SecretName[]> {
    const sealed = new Set((await this.#sealed.list()).map(describe))
    const files = new Set((await this.#directory.list()).map(describe))
    return needed.filter((name) => files.has(describe(name)) && !sealed.has(describe(name)))
  }

  async #commit(
    { vaultKey, auditKey, ringVersion }: Seen,
    move: (tx: StoreTransaction) => Promise<void>,
  ): Promise<boolean> {
    return await this.#store.transaction(async (tx) => {
      if ((await tx.secrets.standing()).vaultKey !== vaultKey) return false
      if ((await tx.auditChain.read()).key !== auditKey) return false
      if (!(await tx.keys.swap(ringVersion, {}))) return false
      await move(tx)
      tx.changed('keys')
      return true
    })
  }

  async #keep(name: SecretName, text: string): Promise<void> {
    try {
      await this.#directory.save(name, text)
    } catch (error) {
      const isThere = error instanceof VaultError && error.problem === 'exists'
      if (!isThere || (await this.#directory.load(name)) !== text) throw error
    }
  }
}

function describe(name: SecretName): string {
  return `${name.kind} ${name.kind === 'signing-key' ? name.kid : name.id}`
}
