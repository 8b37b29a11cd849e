import type { RingRecord } from '../store/key-table.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import type { PreparedKeys } from './prepared-keys.ts'
import { applyChange, type Draft } from './ring-changes.ts'
import { isWithdrawn } from './schedule.ts'
import type { Vault } from './vault.ts'

/** What of the store the ring uses. */
export type RingStore = Pick<Store, 'keys' | 'transaction' | 'now' | 'changes'>

/** Draws up a change for the transaction's time. */
export type Draw = (now: number) => Draft

/** Prepares a change of the ring that was read; undefined when there is nothing left to do. */
export type Plan = (ring: RingRecord) => Promise<Draw | undefined>

/** Runs in the transaction of a swap that succeeded. */
export type Also = (tx: StoreTransaction) => Promise<unknown>

/**
 * Compare-and-swap on the ring: read, plan, swap, and plan again when another process was first. The vault is tidied
 * after the commit, since a file that a rolled-back transaction deleted would not come back.
 */
export class RingSwaps {
  readonly #store: RingStore
  readonly #vault: Vault
  readonly #onError: (error: unknown) => void
  readonly #prepared: PreparedKeys

  constructor(
    options: { readonly store: RingStore; readonly vault: Vault; readonly onError: (error: unknown) => void },
    prepared: PreparedKeys,
  ) {
    this.#store = options.store
    this.#vault = options.vault
    this.#onError = options.onError
    this.#prepared = prepared
  }

  /** @returns the ring that the swap made, or the one that `plan` found nothing to do for. */
  async run(plan: Plan, also?: Also): Promise<RingRecord> {
    for (;;) {
      // May tear between its statements; as the version is read first, the swap notices.
      const ring = await this.#store.keys.read()
      await this.#prepared.forgetUsed(ring)
      const draw = await plan(ring)
      const swapped = draw && (await this.#commit(ring, draw, also))
      if (draw && !swapped) continue
      await this.#tidy(swapped).catch(this.#onError)
      return swapped ?? ring
    }
  }

  #commit(ring: RingRecord, draw: Draw, also: Also | undefined): Promise<RingRecord | undefined> {
    return this.#store.transaction(async (tx) => {
      await this.#vault.confirm(tx.secrets)
      const { change, events } = draw(tx.now)
      if (!(await tx.keys.swap(ring.version, change))) return undefined
      for (const event of events) await tx.record(event)
      const { keys = [] } = change
      if (keys.length > 0) {
        const withdrawn = keys.filter((key) => key.revoked).map((key) => key.kid)
        await tx.statusLog.append({ kind: 'keys', withdrawn })
      }
      await also?.(tx)
      tx.changed('keys')
      return applyChange(ring, change)
    })
  }

  async #tidy(swapped: RingRecord | undefined): Promise<void> {
    if (swapped) await this.#prepared.forgetUsed(swapped)
    await this.#prepared.discard()
    if (swapped) await this.#deleteWithdrawn(swapped)
  }

  async #deleteWithdrawn(ring: RingRecord): Promise<void> {
    const kids = new Set(ring.keys.filter(isWithdrawn).map((key) => key.kid))
    const macIds = new Set(ring.macKeys.filter(isWithdrawn).map((key) => key.id))
    for (const name of await this.#vault.list()) {
      const isGone =
        (name.kind === 'signing-key' && kids.has(name.kid)) ||
        (name.kind === 'mac-key' && macIds.has(name.id))
      if (isGone) await this.#vault.delete(name)
    }
  }
}
