import { loadMacKey } from '../keys/key-pair.ts'
import type { RingKeeper } from '../keys/ring-keeper.ts'
import { macKeyInUse } from '../keys/schedule.ts'
import type { Vault } from '../keys/vault.ts'
import { BudgetKeys, type Clearing, isCleared } from '../limits/budget-keys.ts'
import type { Subject } from '../limits/gate.ts'
import { parseUsedUp, type UsedUpBudget } from '../limits/used-up.ts'
import type { Store } from '../store/store.ts'
import { AdminError } from './admin-error.ts'

/** A budget that is used up. Times are milliseconds since the epoch. */
export interface ListedThrottle extends UsedUpBudget {
  /** What the user or client is called that it is about, where it is about one that exists. */
  readonly name: string | undefined
  readonly since: number
  readonly until: number
}

/** Whose failures, or those from where. A user is named by user name, e-mail or id, and need not exist. */
export type ThrottleSelection =
  | { readonly user: string }
  | { readonly client: string }
  | { readonly network: string }
  | 'all'

/** Administration of what slows down guessing. */
export class ThrottleAdmin {
  readonly #store: Store
  readonly #keeper: RingKeeper
  readonly #vault: Vault

  constructor({
    store,
    keeper,
    vault,
  }: {
    readonly store: Store
    readonly keeper: RingKeeper
    readonly vault: Vault
  }) {
    this.#store = store
    this.#keeper = keeper
    this.#vault = vault
  }

  /** The budgets that are used up now, those that last longest first. */
  async list(which: ThrottleSelection = 'all'): Promise<readonly ListedThrottle[]> {
    const chosen = (await this.#choose(which)).clearings
    const rows = await this.#store.throttles.list(await this.#store.now())
    const listed: ListedThrottle[] = []
    for (const { key, data, since, until } of rows) {
      if (!chosen.some((each) => isCleared(key, each))) continue
      const budget = parseUsedUp(data)
      if (budget) listed.push({ ...budget, name: await this.#nameOf(budget), since, until })
    }
    return listed
  }

  /**
   * Forgets the failures, here and in every process that counts them.
   * @returns how many budgets were used up and are not any more.
   */
  async clear(which: ThrottleSelection): Promise<number> {
    const { clearings, subject } = await this.#choose(which)
    return this.#store.transaction(async (tx) => {
      let cleared = 0
      for (const clearing of clearings) {
        const prefix = clearing.what === 'subject' ? clearing.subject : ''
        const keys = (await tx.throttles.keys(prefix)).filter((key) => isCleared(key, clearing))
        cleared += await tx.throttles.delete(keys)
        await tx.throttles.insertClearing(JSON.stringify(clearing), tx.now)
      }
      tx.changed('throttles')
      await tx.record({ type: 'throttle.cleared', ...subject })
      return cleared
    })
  }

  async #choose(which: ThrottleSelection): Promise<{
    readonly clearings: readonly Clearing[]
    /** For the event. A name that nobody has is not told, for it may be a password. */
    readonly subject: { readonly user?: string; readonly client?: string; readonly network?: string }
  }> {
    if (which === 'all') return { clearings: [{ what: 'all' }], subject: {} }
    if ('network' in which) {
      const { network } = which
      return { clearings: [{ what: 'network', network }], subject: { network } }
    }
    if ('client' in which) {
      const client = await this.#store.clients.findByClientId(which.client)
      const clearings = await this.#subjects('client', [which.client])
      return { clearings, subject: client ? { client: client.clientId } : {} }
    }
    const { users } = this.#store
    const user =
      (await users.findByUsername(which.user)) ??
      (await users.findById(which.user)) ??
      (await users.findByEmail(which.user))[0]
    const names = user ? [user.username, ...(user.email === null ? [] : [user.email])] : [which.user]
    return { clearings: await this.#subjects('user', names), subject: user ? { user: user.id } : {} }
  }

  async #subjects(kind: Subject['kind'], names: readonly string[]): Promise<readonly Clearing[]> {
    const id = macKeyInUse(await this.#keeper.read(), await this.#store.now())?.id
    if (id === undefined) {
      throw new AdminError('There is no key yet, so no name was counted: start a server first.')
    }
    const secret = { id, key: await loadMacKey(this.#vault, id) }
    const keys = new BudgetKeys(() => secret)
    return [...new Set(names.map((name) => keys.subject({ kind, name })))].map((subject) => ({
      what: 'subject',
      subject,
    }))
  }

  async #nameOf({ kind, about }: UsedUpBudget): Promise<string | undefined> {
    if (about === undefined || kind === 'client') return about
    return (await this.#store.users.findById(about))?.username ?? about
  }
}
