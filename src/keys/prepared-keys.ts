import { randomInt } from 'node:crypto'
import type { RingRecord } from '../store/key-table.ts'
import { generateMacKey, generateSigningKey } from './key-pair.ts'
import type { FreshKey } from './ring-changes.ts'
import type { KeyPolicy } from './schedule.ts'
import { type Vault, VaultError } from './vault.ts'

/**
 * Keys that lie in the vault, synced, before the ring names them. One that a lost swap left over serves the next
 * attempt; what nobody needs in the end is deleted. After an error nobody knows whether the commit arrived, so what
 * was prepared is kept until the ring has been read again.
 */
export class PreparedKeys {
  readonly #vault: Vault
  readonly #bits: KeyPolicy['bits']
  readonly #signingKeys = new Map<number, Promise<FreshKey>>()
  #macId: number | undefined

  constructor(vault: Vault, bits: KeyPolicy['bits']) {
    this.#vault = vault
    this.#bits = bits
  }

  /** The prepared key at `index`, made now when there is none. @throws {VaultError} when the vault cannot keep it. */
  signingKey(index: 0 | 1): Promise<FreshKey> {
    const ready = this.#signingKeys.get(index)
    if (ready) return ready
    const making = this.#makeSigningKey()
    this.#signingKeys.set(index, making)
    making.catch(() => this.#signingKeys.delete(index))
    return making
  }

  /** The id of the prepared MAC key, made now when there is none. @throws {VaultError} see {@link signingKey} */
  async macId(): Promise<number> {
    this.#macId ??= await this.#makeMacKey()
    return this.#macId
  }

  /** Takes out of store what the ring knows by now. */
  async forgetUsed(ring: RingRecord): Promise<void> {
    for (const [index, making] of this.#signingKeys) {
      const { kid } = await making
      if (ring.keys.some((key) => key.kid === kid)) this.#signingKeys.delete(index)
    }
    if (ring.macKeys.some((key) => key.id === this.#macId)) this.#macId = undefined
  }

  /** Deletes what is left over. @throws {VaultError} when the vault cannot. */
  async discard(): Promise<void> {
    for (const [index, making] of this.#signingKeys) {
      const { kid } = await making
      this.#signingKeys.delete(index)
      await this.#vault.delete({ kind: 'signing-key', kid })
    }
    if (this.#macId === undefined) return
    const id = this.#macId
    this.#macId = undefined
    await this.#vault.delete({ kind: 'mac-key', id })
  }

  async #makeSigningKey(): Promise<FreshKey> {
    const { jwk, pem } = await generateSigningKey(this.#bits)
    await this.#vault.save({ kind: 'signing-key', kid: jwk.kid }, pem)
    return { kid: jwk.kid, bits: this.#bits, publicJwk: jwk }
  }

  /** Ids are drawn, not counted: an old database that was brought back must not give one out again. */
  async #makeMacKey(): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const id = randomInt(1, 2 ** 31)
      try {
        await this.#vault.save({ kind: 'mac-key', id }, generateMacKey())
        return id
      } catch (error) {
        if (!(error instanceof VaultError && error.problem === 'exists') || attempt === 5) throw error
      }
    }
  }
}
