import type { KeyRecord, MacKeyRecord, RingRecord } from '../store/key-table.ts'
import type { StoreTransaction } from '../store/store.ts'
import { loadSigner } from './key-pair.ts'
import { PreparedKeys } from './prepared-keys.ts'
import {
  activate,
  create,
  type FreshKey,
  type Replacement,
  raise,
  replaceMacKey,
  revoke,
  revokeAll,
  withdraw,
} from './ring-changes.ts'
import { type Draw, type RingStore, RingSwaps } from './ring-swaps.ts'
import {
  isCurrent,
  isNext,
  type KeyPolicy,
  type Marks,
  missingMarks,
  nextStep,
  type Step,
  signsFrom,
} from './schedule.ts'
import type { Vault } from './vault.ts'

export interface RingKeeperOptions {
  readonly store: RingStore
  readonly vault: Vault
  readonly policy: KeyPolicy
  /** Told of what went wrong after the fact, such as a file that could not be deleted. */
  readonly onError: (error: unknown) => void
}

export type RotateOutcome =
  /** `kid` signs now, by this call or by another that came first. */
  | { readonly kind: 'rotated'; readonly kid: string }
  /** Not every cache has the next key, `kid`, before `from` (milliseconds since the epoch). */
  | { readonly kind: 'too-early'; readonly kid: string; readonly from: number }

export type RevokeOutcome =
  /** `current` signs now. */
  { readonly kind: 'revoked'; readonly current: string } | { readonly kind: 'unknown' }

/**
 * Changes the ring: each change is planned on what was read, and swapped in if the ring is still that. Holds no
 * private key and needs none, except that a key is checked before it is promoted; so it can repair a ring that
 * cannot be opened. Every method throws {VaultError} when the vault and {StoreUnavailableError} when the database
 * cannot be used.
 */
export class RingKeeper {
  readonly #store: RingStore
  readonly #vault: Vault
  readonly #policy: KeyPolicy
  readonly #onError: (error: unknown) => void
  readonly #prepared: PreparedKeys
  readonly #swaps: RingSwaps
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: RingKeeperOptions) {
    this.#store = options.store
    this.#vault = options.vault
    this.#policy = options.policy
    this.#onError = options.onError
    this.#prepared = new PreparedKeys(options.vault, options.policy.bits)
    this.#swaps = new RingSwaps(options, this.#prepared)
  }

  /** The ring as the database has it. */
  read(): Promise<RingRecord> {
    return this.#store.keys.read()
  }

  /**
   * Does what the schedule wants done by now.
   * @returns the ring, and when to ask again (milliseconds since the epoch).
   */
  advance(): Promise<{ readonly ring: RingRecord; readonly until: number }> {
    return this.#exclusively(async () => {
      for (;;) {
        let until: number | undefined
        const ring = await this.#swaps.run(async (ring) => {
          const step = nextStep(ring, await this.#store.now(), this.#policy)
          switch (step.kind) {
            case 'create':
              return this.#planCreation(step)
            case 'raise':
              return () => raise(ring, step.marks)
            case 'withdraw':
              return (now) => withdraw(ring, step.kids, step.macIds, now)
            case 'activate':
              return this.#planActivation(ring, step.kid)
            case 'wait':
              until = step.until
              return undefined
          }
        })
        if (until !== undefined) return { ring, until }
      }
    })
  }

  /** Makes the next key the current one, if it has been published long enough. */
  rotate(): Promise<RotateOutcome> {
    return this.#exclusively(async () => {
      const before = (await this.read()).keys.find(isCurrent)?.kid
      let refused: RotateOutcome | undefined
      const ring = await this.#swaps.run(async (ring) => {
        const current = ring.keys.find(isCurrent)
        const next = ring.keys.find(isNext)
        if (!current || !next) return this.#planCreation({ current: !current, next: !next, macKey: false })
        // Another process was asked at the same moment and was faster: what was wanted has been done.
        if (current.kid !== before) return undefined
        const from = signsFrom(next, ring)
        refused = from > (await this.#store.now()) ? { kind: 'too-early', kid: next.kid, from } : undefined
        return refused ? undefined : this.#planActivation(ring, next.kid)
      })
      return refused ?? { kind: 'rotated', kid: currentOf(ring.keys).kid }
    })
  }

  /** Makes a new MAC key; new refresh tokens get it as soon as every process knows it. Returns its id. */
  rotateMac(): Promise<number> {
    return this.#exclusively(async () => {
      const before = (await this.read()).macKeys.find(isCurrent)?.id
      const ring = await this.#swaps.run(async (ring) => {
        if (ring.macKeys.find(isCurrent)?.id !== before) return undefined
        const macId = await this.#prepared.macId()
        return (now) => replaceMacKey(ring, macId, now)
      })
      return currentOf(ring.macKeys).id
    })
  }

  /** Withdraws a key in an emergency: nothing it signed is trusted any more, and another key signs at once. */
  revoke(kid: string): Promise<RevokeOutcome> {
    return this.#exclusively(async () => {
      const ring = await this.#swaps.run(async (ring) => {
        const key = ring.keys.find((key) => key.kid === kid)
        if (!key || key.revoked) return undefined
        const replacement = await this.#planReplacement(ring, key)
        return (now) => revoke(ring, kid, replacement, now)
      })
      if (!ring.keys.some((key) => key.kid === kid)) return { kind: 'unknown' }
      return { kind: 'revoked', current: currentOf(ring.keys).kid }
    })
  }

  /**
   * Withdraws every signing key and every MAC key in an emergency, and begins anew with fresh ones.
   * @param also runs in the same transaction, for what must not survive the keys: the sessions. It may run again
   *   when the transaction is repeated.
   */
  revokeAll(also: (tx: StoreTransaction) => Promise<unknown>): Promise<RingRecord> {
    return this.#exclusively(() =>
      this.#swaps.run(async (ring) => {
        const [current, next, macId] = await this.#prepareAll()
        return (now) => revokeAll(ring, { current, next, macId }, now)
      }, also),
    )
  }

  /** Makes the high marks durable. Resolves to the ring that has them. */
  raise(marks: Partial<Marks>): Promise<RingRecord> {
    return this.#exclusively(() =>
      this.#swaps.run(async (ring) => {
        const missing = missingMarks(ring, marks)
        return missing && (() => raise(ring, missing))
      }),
    )
  }

  async #planCreation(missing: Omit<Extract<Step, { kind: 'create' }>, 'kind'>): Promise<Draw> {
    const [current, next, macId] = await Promise.all([
      missing.current ? this.#prepared.signingKey(0) : undefined,
      missing.next ? this.#prepared.signingKey(1) : undefined,
      missing.macKey ? this.#prepared.macId() : undefined,
    ])
    return (now) => create({ current, next, macId }, now)
  }

  async #planActivation(ring: RingRecord, kid: string): Promise<Draw> {
    // A key whose private half is lost must not become the one that signs.
    for (const key of ring.keys.filter((key) => key.kid === kid)) await loadSigner(this.#vault, key)
    const fresh = await this.#prepared.signingKey(0)
    return (now) => activate(ring, kid, fresh, now)
  }

  async #planReplacement(ring: RingRecord, revoked: KeyRecord): Promise<Replacement | undefined> {
    if (isNext(revoked)) return { fresh: await this.#prepared.signingKey(0) }
    if (!isCurrent(revoked)) return undefined
    const next = ring.keys.find(isNext)
    const promotable = next !== undefined && (await this.#canSign(next))
    const fresh = await this.#prepared.signingKey(0)
    return promotable ? { promoted: next.kid, fresh } : { fresh }
  }

  async #canSign(key: KeyRecord): Promise<boolean> {
    try {
      await loadSigner(this.#vault, key)
      return true
    } catch (error) {
      this.#onError(error)
      return false
    }
  }

  #prepareAll(): Promise<[FreshKey, FreshKey, number]> {
    return Promise.all([this.#prepared.signingKey(0), this.#prepared.signingKey(1), this.#prepared.macId()])
  }

  /** One change at a time, so that two never count on the same prepared key. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}

function currentOf<Key extends KeyRecord | MacKeyRecord>(keys: readonly Key[]): Key {
  const current = keys.find(isCurrent)
  if (!current) throw new Error('The key ring has no current key: start the server, which makes one.')
  return current
}
