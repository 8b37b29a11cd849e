import { DuplicateError, toStoreError } from '../store/errors.ts'
import type { SealedRow, SecretReader, SecretTable, VaultStanding } from '../store/secret-table.ts'
import type { Store } from '../store/store.ts'
import { revocationCommand, type SecretName, type Vault, VaultError } from './vault.ts'
import type { VaultKey } from './vault-key.ts'

/** What of the store a sealed vault uses. */
export interface SecretStore {
  readonly secrets: SecretReader
  readonly withSecrets: Store['withSecrets']
}

/** The vault key that the keys are to lie under, and the one that they lay under before. */
export interface VaultKeys {
  readonly current: VaultKey
  readonly previous: VaultKey | undefined
}

/** A secret and its text. */
export type Secret = readonly [name: SecretName, text: string]

/**
 * A vault of sealed rows in the database, which every node shares. Rows under either key are opened. A new row is
 * sealed under the key that the others lie under, until {@link reseal} takes all of them to the current one: so a node
 * that knows only the one before can open every row as long as there are such nodes.
 *
 * The row of the table `vault` says under which key they lie. Whoever writes holds it, so that no row is left behind.
 */
export class SealedVault implements Vault {
  readonly #store: SecretStore
  readonly #keys: VaultKeys
  #installation: string | undefined

  constructor(store: SecretStore, keys: VaultKeys) {
    this.#store = store
    this.#keys = keys
  }

  locate(name: SecretName): string {
    return `Row ${rowName(name)} of sealed_secrets`
  }

  async confirm(secrets: Pick<SecretReader, 'standing'>): Promise<void> {
    this.#choose(await secrets.standing())
  }

  async save(name: SecretName, secret: string): Promise<void> {
    let row: SealedRow | undefined
    try {
      await this.#store.withSecrets(async (secrets) => {
        await secrets.hold()
        const standing = await secrets.standing()
        const key = this.#choose(standing)
        if (standing.vaultKey === null) await secrets.mark(key.id)
        row = this.#seal(key, name, secret, standing.installation)
        await secrets.insert(row)
      })
    } catch (error) {
      if (!(error instanceof DuplicateError)) throw error
      // A commit that nobody saw answered is tried again, and meets its own row.
      const found = await this.#read(() => this.#store.secrets.find(rowName(name)))
      if (found && found.sealed === row?.sealed) return
      throw new VaultError('exists', `${this.locate(name)} exists already and was left as it is.`, {
        cause: error,
      })
    }
  }

  async load(name: SecretName): Promise<string> {
    return await this.#read(async () => {
      const { secrets } = this.#store
      const row = await secrets.find(rowName(name))
      if (row) return this.#open(row, name, await this.#identify(secrets))
      await this.confirm(secrets)
      throw new VaultError(
        'missing',
        `${this.locate(name)} is missing: restore a backup of the database that has it, or run ${revocationCommand(name)}.`,
      )
    })
  }

  async delete(name: SecretName): Promise<void> {
    await this.#store.withSecrets((secrets) => secrets.delete(rowName(name)))
  }

  async list(): Promise<readonly SecretName[]> {
    const rows = await this.#read(() => this.#store.secrets.all())
    return rows.map((row) => parseRowName(row.name)).filter((name) => name !== undefined)
  }

  /**
   * Keeps, in a transaction, secrets that have lain elsewhere, those excepted that are here already; from its commit on
   * the installation's keys lie here.
   */
  async adopt(secrets: SecretTable, moving: readonly Secret[]): Promise<void> {
    await secrets.hold()
    const { installation, vaultKey } = await secrets.standing()
    const key = this.#ownKey(vaultKey ?? this.#keys.current.id)
    if (vaultKey === null) await secrets.mark(key.id)
    const kept = new Set((await secrets.all()).map((row) => row.name))
    for (const [name, text] of moving) {
      if (!kept.has(rowName(name))) await secrets.insert(this.#seal(key, name, text, installation))
    }
  }

  /** Deletes everything, in a transaction; from its commit on the installation's keys do not lie here. */
  async release(secrets: SecretTable): Promise<void> {
    await secrets.mark(null)
    for (const row of await secrets.all()) await secrets.delete(row.name)
  }

  /**
   * Seals every secret, in a transaction, under the current vault key.
   * @returns how many lay under another one.
   */
  async reseal(secrets: SecretTable): Promise<number> {
    await secrets.hold()
    const standing = await secrets.standing()
    const { current } = this.#keys
    this.#choose(standing)
    if (standing.vaultKey !== null) await secrets.mark(current.id)
    const { installation } = standing
    const others = (await secrets.all()).filter((row) => row.vaultKey !== current.id)
    for (const row of others) {
      const name = parseRowName(row.name)
      if (name === undefined)
        throw new VaultError('corrupt', `Row ${row.name} of sealed_secrets names no key.`)
      const text = this.#open(row, name, installation)
      await secrets.replace(this.#seal(current, name, text, installation))
    }
    return others.length
  }

  /**
   * Gives up, in a transaction, what lies under a vault key that is lost, so that new keys can be made.
   * @returns how many secrets were given up.
   */
  async giveUp(secrets: SecretTable): Promise<number> {
    await secrets.mark(this.#keys.current.id)
    const lost = (await secrets.all()).filter((row) => this.#find(row.vaultKey) === undefined)
    for (const row of lost) await secrets.delete(row.name)
    return lost.length
  }

  /** @throws {VaultError} `elsewhere` when the keys lie in a directory, `locked` when they lie under another vault key. */
  #choose({ vaultKey, hasKeys }: VaultStanding): VaultKey {
    if (vaultKey !== null) return this.#ownKey(vaultKey)
    if (!hasKeys) return this.#keys.current
    throw new VaultError(
      'elsewhere',
      'The keys of this installation lie in a directory, not in the database: unset MINTAGE_VAULT_KEY, or move them with `mintage keys move --to database` (MINTAGE_KEYS_DIR says from where).',
    )
  }

  #find(id: string): VaultKey | undefined {
    const { current, previous } = this.#keys
    return [current, previous].find((key) => key?.id === id)
  }

  #ownKey(id: string): VaultKey {
    const key = this.#find(id)
    if (key) return key
    throw new VaultError(
      'locked',
      `The keys of this installation are sealed under the vault key ${id}, and ${this.#describeKeys()}: ${lockedAdvice}`,
    )
  }

  #describeKeys(): string {
    const { current, previous } = this.#keys
    return previous
      ? `MINTAGE_VAULT_KEY is ${current.id} and MINTAGE_VAULT_KEY_PREVIOUS ${previous.id}`
      : `MINTAGE_VAULT_KEY is ${current.id}`
  }

  #seal(key: VaultKey, secret: SecretName, text: string, installation: string): SealedRow {
    const name = rowName(secret)
    return { name, vaultKey: key.id, sealed: key.seal(text, { installation, name }) }
  }

  #open({ name, vaultKey, sealed }: SealedRow, secret: SecretName, installation: string): string {
    const key = this.#find(vaultKey)
    if (!key) {
      throw new VaultError(
        'locked',
        `${this.locate(secret)} is sealed under the vault key ${vaultKey}, and ${this.#describeKeys()}: ${lockedAdvice}`,
      )
    }
    const text = key.open(sealed, { installation, name })
    if (text !== undefined) return text
    throw new VaultError(
      'corrupt',
      `${this.locate(secret)} does not open: it was changed, or is of another row or installation; restore it from a backup or run ${revocationCommand(secret)}.`,
    )
  }

  async #identify(secrets: SecretReader): Promise<string> {
    this.#installation ??= (await secrets.standing()).installation
    return this.#installation
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      throw toStoreError(error)
    }
  }
}

const lockedAdvice =
  'set the key that they were sealed under as MINTAGE_VAULT_KEY, or as MINTAGE_VAULT_KEY_PREVIOUS beside a new one; if it is lost, run `mintage keys revoke --all --lost-vault-key` (which ends all sessions).'

const rowNames = /^(?:(signing-key)\/([A-Za-z0-9_-]{43})|(mac-key|audit-key)\/([1-9]\d{0,9}))$/

function rowName(name: SecretName): string {
  const text = `${name.kind}/${name.kind === 'signing-key' ? name.kid : name.id}`
  if (!rowNames.test(text)) throw new TypeError(`${JSON.stringify(text)} does not name a key.`)
  return text
}

function parseRowName(text: string): SecretName | undefined {
  const [, , kid, kind, id] = rowNames.exec(text) ?? []
  if (kid !== undefined) return { kind: 'signing-key', kid }
  if (kind === 'mac-key' || kind === 'audit-key') return { kind, id: Number(id) }
  return undefined
}
