import type { Clock } from '../lib/clock.ts'
import { SharedRun } from '../lib/shared-run.ts'
import type { Store } from '../store/store.ts'
import { isCleared } from './budget-keys.ts'
import { type Count, type Counters, MemoryCounters, mostCounted } from './counters.ts'
import { parseClearing, UsedUp } from './used-up.ts'

/** What is counted in memory: failures, where the database does not count them, and requests. */
export type CountedKind = 'failures' | 'requests'

/** Counts for several processes. Keys say by themselves what they are of, and are digests of names. */
export interface CounterHost {
  take(kind: CountedKind, key: string, window: number): Promise<Count>
  giveBack(kind: CountedKind, key: string, window: number, until: number): Promise<void>
}

/** Counts for the worker processes of one server: if each counted by itself, guessing would be as many times as quick. */
export class SharedCounters implements CounterHost {
  readonly #store: Store
  readonly #clock: Clock
  readonly #counters: Readonly<Record<CountedKind, MemoryCounters>> = {
    failures: new MemoryCounters(mostCounted),
    requests: new MemoryCounters(mostCounted),
  }
  readonly #clearing = new SharedRun(() => this.#clear())
  readonly #unsubscribe: () => void
  #opening: Promise<void> | undefined
  #cleared = 0

  constructor(store: Store, clock: Clock, onError: (error: unknown) => void) {
    this.#store = store
    this.#clock = clock
    this.#unsubscribe = store.changes.on('throttles', () => {
      if (this.#opening) this.#clearing.run().catch(onError)
    })
  }

  async take(kind: CountedKind, key: string, window: number): Promise<Count> {
    await this.#open()
    return this.#counters[kind].take(key, window)
  }

  giveBack(kind: CountedKind, key: string, window: number, until: number): Promise<void> {
    return this.#counters[kind].giveBack(key, window, until)
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    await this.#clearing.settled()
  }

  #open(): Promise<void> {
    this.#opening ??= this.#read().catch((error) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #read(): Promise<void> {
    this.#cleared = await this.#store.throttles.lastClearing()
    if (!this.#store.counts) await new UsedUp(this.#store, this.#clock).restore(this.#counters.failures)
  }

  async #clear(): Promise<void> {
    for (const { id, data } of await this.#store.throttles.clearings(this.#cleared)) {
      const clearing = parseClearing(data)
      const isMeant = (key: string) => clearing === undefined || isCleared(key, clearing)
      for (const counters of Object.values(this.#counters)) counters.forget(isMeant)
      this.#cleared = id
    }
  }
}

/** Counts at another process of the same server, which restores and forgets by itself. */
export class BorrowedCounters implements Counters {
  readonly #host: CounterHost
  readonly #kind: CountedKind

  constructor(host: CounterHost, kind: CountedKind) {
    this.#host = host
    this.#kind = kind
  }

  take(key: string, window: number): Promise<Count> {
    return this.#host.take(this.#kind, key, window)
  }

  giveBack(key: string, window: number, until: number): Promise<void> {
    return this.#host.giveBack(this.#kind, key, window, until)
  }

  forget(): void {
    // The host has heard of what was cleared, too.
  }

  async restore(): Promise<void> {
    // The host has read what was used up.
  }
}
