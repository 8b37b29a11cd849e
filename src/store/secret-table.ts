import type { Knex } from 'knex'

/** A private key as the database holds it. */
export interface SealedRow {
  /** Its kind and its id, such as `mac-key/1746619289`. */
  readonly name: string
  /** The id of the vault key that it is sealed under. */
  readonly vaultKey: string
  readonly sealed: string
}

/** Where the private keys of an installation lie. */
export interface VaultStanding {
  /** Never changes: tells installations apart. */
  readonly installation: string
  /** Under which vault key they lie in the database; null where they do not lie there. */
  readonly vaultKey: string | null
  /** Whether the installation has keys at all. */
  readonly hasKeys: boolean
}

/** What can be asked of the sealed keys without changing them. */
export interface SecretReader {
  standing(): Promise<VaultStanding>
  find(name: string): Promise<SealedRow | undefined>
  /** All of them, by name. */
  all(): Promise<readonly SealedRow[]>
}

interface Row {
  name: string
  vault_key: string
  sealed: string
}

/** The tables `sealed_secrets` and `vault`. What is sealed, and how, is the affair of whoever has the vault key. */
export class SecretTable implements SecretReader {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  async standing(): Promise<VaultStanding> {
    const row = await this.#query('vault')
      .where({ id: 1 })
      .first(
        'vault_key',
        this.#query.raw('(SELECT installation FROM audit_chain) AS installation'),
        this.#query.raw('(SELECT key FROM audit_chain) AS audit_key'),
        this.#query.raw('(SELECT version FROM key_ring) AS version'),
      )
    if (!row) throw new Error('The table vault is empty: somebody has deleted its row.')
    return {
      installation: String(row.installation),
      vaultKey: row.vault_key,
      hasKeys: row.audit_key !== null || Number(row.version) > 0,
    }
  }

  async find(name: string): Promise<SealedRow | undefined> {
    const row = await this.#query<Row>('sealed_secrets').where({ name }).first()
    return row && toSealedRow(row)
  }

  async all(): Promise<readonly SealedRow[]> {
    return (await this.#query<Row>('sealed_secrets').orderBy('name')).map(toSealedRow)
  }

  /**
   * Lets nobody else write a secret or {@link mark} where they lie, until the transaction ends. A serializable one that
   * has read before is repeated when somebody did meanwhile.
   */
  async hold(): Promise<void> {
    // Writing what stands there locks the row at any isolation, on any engine.
    await this.#query('vault')
      .where({ id: 1 })
      .update({ vault_key: this.#query.ref('vault_key') })
  }

  /** From now on the keys of the installation lie in the database under that vault key (null: they no longer do). */
  async mark(vaultKey: string | null): Promise<void> {
    await this.#query('vault').where({ id: 1 }).update({ vault_key: vaultKey })
  }

  async insert({ name, vaultKey, sealed }: SealedRow): Promise<void> {
    await this.#query('sealed_secrets').insert({ name, vault_key: vaultKey, sealed })
  }

  async replace({ name, vaultKey, sealed }: SealedRow): Promise<void> {
    await this.#query('sealed_secrets').where({ name }).update({ vault_key: vaultKey, sealed })
  }

  async delete(name: string): Promise<void> {
    await this.#query('sealed_secrets').where({ name }).delete()
  }
}

function toSealedRow(row: Row): SealedRow {
  return { name: row.name, vaultKey: row.vault_key, sealed: row.sealed }
}
