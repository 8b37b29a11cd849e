import type { Clock } from '../lib/clock.ts'
import { SharedRun } from '../lib/shared-run.ts'
import { toStoreError } from '../store/errors.ts'
import type { Store } from '../store/store.ts'
import { BudgetKeys, type DigestSecret, isCleared, networkKey, placeKey, requestsKey } from './budget-keys.ts'
import { type Budget, Budgets, type Held, SpentError } from './budgets.ts'
import { type Counters, DatabaseCounters, MemoryCounters, mostCounted } from './counters.ts'
import type { Gate, Outcome, Subject } from './gate.ts'
import { KnownNetworks } from './known-networks.ts'
import { policies } from './policy.ts'
import { BorrowedCounters, type CountedKind, type CounterHost } from './shared-counters.ts'
import { Suspects } from './suspects.ts'
import { parseClearing, UsedUp } from './used-up.ts'

export interface ThrottleOptions {
  readonly store: Store
  /** The process's own clock. */
  readonly clock: Clock
  /** What names are digested with; see {@link BudgetKeys}. */
  readonly secret: () => DigestSecret
  readonly onError: (error: unknown) => void
  /** Counts for this process and others of its server; without it the process counts by itself. */
  readonly host?: CounterHost | undefined
  /** Is told of each attempt that was refused, and by which budget. */
  readonly onRefusal?: (kind: Subject['kind'], by: Budget['by']) => void
}

/** Stands for the network of what comes from this machine. */
const thisMachine = 'local'

/**
 * The gate while guessing is slowed down. Failures are counted in one budget for a name wherever it is not known, in one
 * for each network where it is, and in one for each network over all names: so a stranger uses up the stranger's
 * budgets, and not those of whoever logged in at home before.
 *
 * Failures are counted on the database where several nodes share it, and in memory where one process has it. What is
 * there only to keep one network from taking all the time of a node, the count of requests, each node has for itself.
 */
export class Throttle implements Gate {
  readonly #options: ThrottleOptions
  readonly #keys: BudgetKeys
  readonly #failures: Counters
  readonly #budgets: Budgets
  readonly #requests: Budgets
  readonly #places: KnownNetworks
  readonly #usedUp: UsedUp
  /** Budgets of clients in which something failed here: they are asked before the secret is looked at. */
  readonly #suspects: Suspects
  readonly #background = new Set<Promise<void>>()
  readonly #clearing = new SharedRun(() => this.#clear())
  readonly #unsubscribe: () => void
  #opening: Promise<void> | undefined
  #cleared = 0

  constructor(options: ThrottleOptions) {
    const { store, clock, host } = options
    const memory = (kind: CountedKind) =>
      host ? new BorrowedCounters(host, kind) : new MemoryCounters(mostCounted)
    this.#options = options
    this.#keys = new BudgetKeys(options.secret)
    this.#failures = store.counts ? new DatabaseCounters(store.counts) : memory('failures')
    this.#budgets = new Budgets(this.#failures, clock)
    this.#requests = new Budgets(memory('requests'), clock)
    this.#places = new KnownNetworks(store, clock)
    this.#usedUp = new UsedUp(store, clock)
    this.#suspects = new Suspects(clock)
    this.#unsubscribe = store.changes.on('throttles', () => {
      if (this.#opening) this.#clearing.run().catch(options.onError)
    })
  }

  async tryPassword<T>(subject: Subject, work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const id = this.#keys.subject(subject)
    await this.#open()
    const held = await this.#enter(subject, id)
    let outcome: Outcome<T>
    try {
      outcome = await work()
    } catch (error) {
      await this.#budgets.giveBack(held).catch(this.#options.onError)
      throw error
    }
    if ('passed' in outcome) {
      await this.#budgets.giveBack(held)
      await this.#places.learn(id, placeName(subject))
    } else await this.#fail(subject, outcome.refused, held)
    return outcome
  }

  trySecret<T>(subject: Subject, work: () => Outcome<T>): Outcome<T> | Promise<Outcome<T>> {
    if (this.#isSuspect(subject)) return this.tryPassword(subject, async () => work())
    const outcome = work()
    if ('passed' in outcome) {
      this.#notice(subject)
      return outcome
    }
    return this.#failUnasked(subject, outcome, outcome.refused)
  }

  /** Writes what is still to be written. */
  async close(): Promise<void> {
    this.#unsubscribe()
    await this.#clearing.settled()
    await Promise.allSettled(this.#background)
  }

  /** @returns the room that the attempt has in each budget. @throws {ThrottledError} */
  async #enter(subject: Subject, id: string): Promise<readonly Held[]> {
    try {
      // Every attempt of a network counts, and none is given back.
      const fromNetwork = await this.#requests.reserve(listNetworkRequests(subject))
      this.#requests.keep(fromNetwork)
      await this.#tell(subject, undefined, fromNetwork)
      const isKnown = await this.#places.isKnown(id, placeName(subject))
      const forName = await this.#requests.reserve(listNameRequests(subject, id, isKnown))
      const failures = await this.#budgets
        .reserve(listFailures(subject, id, isKnown))
        .catch(async (error: unknown) => {
          // What is refused anyway takes no room from those who would be let in.
          await this.#requests.giveBack(forName)
          throw error
        })
      this.#requests.keep(forName)
      await this.#tell(subject, undefined, forName)
      return failures
    } catch (error) {
      if (error instanceof SpentError) this.#options.onRefusal?.(subject.kind, error.budget.by)
      throw error
    }
  }

  async #fail(subject: Subject, about: string | undefined, held: readonly Held[]): Promise<void> {
    this.#budgets.keep(held)
    if (subject.kind === 'client') {
      for (const { budget } of held) this.#suspects.add(budget.key, budget.allowance.window)
    }
    await this.#tell(subject, about, held)
  }

  async #tell(subject: Subject, about: string | undefined, held: readonly Held[]): Promise<void> {
    for (const each of held) {
      if (each.count === each.budget.allowance.most) await this.#usedUp.record(subject, about, each)
    }
  }

  /** Whether the counters have to be asked before a client's secret is looked at. */
  #isSuspect(subject: Subject): boolean {
    return !this.#suspects.isEmpty && this.#listForSecret(subject).some(({ key }) => this.#suspects.has(key))
  }

  #listForSecret(subject: Subject): readonly Budget[] {
    const id = this.#keys.subject(subject)
    return listFailures(subject, id, this.#places.isRemembered(id, placeName(subject)))
  }

  /** A failure of which nothing was known before: from now on, and before anybody else is let in, it is. */
  async #failUnasked<T>(subject: Subject, outcome: Outcome<T>, about: string | undefined) {
    for (const { key, allowance } of this.#listForSecret(subject)) this.#suspects.add(key, allowance.window)
    await this.#open()
    await this.#fail(subject, about, await this.#enter(subject, this.#keys.subject(subject)))
    return outcome
  }

  /** Takes down where a client is at home; nobody waits for it. */
  #notice(subject: Subject): void {
    let id: string
    try {
      id = this.#keys.subject(subject)
    } catch {
      // Whoever has shown a right secret is not refused for want of the key that would name them here.
      return
    }
    if (!this.#places.isDue(id, placeName(subject))) return
    const learning = this.#places
      .learn(id, placeName(subject))
      .catch(this.#options.onError)
      .then(() => {
        this.#background.delete(learning)
      })
    this.#background.add(learning)
  }

  /** Reads, before the first count, what was counted before, and from where on to follow what operators clear. */
  #open(): Promise<void> {
    this.#opening ??= this.#read().catch((error) => {
      this.#opening = undefined
      throw toStoreError(error)
    })
    return this.#opening
  }

  async #read(): Promise<void> {
    const { store } = this.#options
    this.#cleared = await store.throttles.lastClearing()
    if (!store.counts) await this.#usedUp.restore(this.#failures)
  }

  async #clear(): Promise<void> {
    for (const { id, data } of await this.#options.store.throttles.clearings(this.#cleared)) {
      const clearing = parseClearing(data)
      const isMeant = (key: string) => clearing === undefined || isCleared(key, clearing)
      this.#budgets.forget(isMeant)
      this.#requests.forget(isMeant)
      this.#suspects.forget(isMeant)
      this.#cleared = id
    }
  }
}

/** The failures of an attempt, the network's first: who has used up that one writes nothing about names. */
function listFailures({ kind, network }: Subject, id: string, isKnown: boolean): readonly Budget[] {
  const { failures, networkFailures, knownNetworkFailures } = policies[kind]
  const forNetwork = isKnown ? knownNetworkFailures : networkFailures
  const where = network !== undefined && { network }
  return [
    ...(network !== undefined && forNetwork
      ? [{ key: networkKey(kind, network), by: 'network', allowance: forNetwork, network } as const]
      : []),
    isKnown
      ? { key: placeKey(id, placeName({ network })), by: 'name', allowance: failures, ...where }
      : { key: id, by: 'name', allowance: failures },
  ]
}

function listNetworkRequests({ kind, network }: Subject): readonly Budget[] {
  const { requests } = policies[kind]
  if (!requests || network === undefined) return []
  const key = requestsKey(networkKey(kind, network))
  return [{ key, by: 'requests', allowance: requests.network, network }]
}

/** As the failures: one where the subject is known, and one for everywhere else. */
function listNameRequests({ kind, network }: Subject, id: string, isKnown: boolean): readonly Budget[] {
  const { requests } = policies[kind]
  if (!requests) return []
  const key = requestsKey(isKnown ? placeKey(id, placeName({ network })) : id)
  return [
    { key, by: 'requests', allowance: requests.name, ...(isKnown && network !== undefined && { network }) },
  ]
}

function placeName({ network }: Pick<Subject, 'network'>): string {
  return network ?? thisMachine
}
