import type { Clock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'
import type { Counters } from './counters.ts'
import { InFlight } from './in-flight.ts'
import type { Allowance } from './policy.ts'
import { Suspects } from './suspects.ts'
import { ThrottledError } from './throttled-error.ts'

/** What an attempt has to have room in. */
export interface Budget {
  readonly key: string
  readonly by: 'name' | 'network' | 'requests'
  readonly allowance: Allowance
  /** Where it holds; undefined where it holds everywhere, or on this machine. */
  readonly network?: string
}

/** A budget with an attempt in it. */
export interface Held {
  readonly budget: Budget
  /** How many there were with it. */
  readonly count: number
  /** For how many milliseconds they count. */
  readonly left: number
  /** When that ends, in milliseconds since the epoch. */
  readonly until: number
}

/** A budget had no room. */
export class SpentError extends ThrottledError {
  readonly budget: Budget

  constructor(budget: Budget, wait: number) {
    super(wait)
    this.budget = budget
  }
}

/** How long a refusal is repeated without counting, in milliseconds: what others give back or clear shows after it. */
const refusalLife = second

/** How often room is asked for while others do. */
const mostTries = 3

/**
 * Reserves room before an attempt, so that a crowd of simultaneous guesses is no better than a queue of them, and gives
 * it back after a good one.
 */
export class Budgets {
  readonly #counters: Counters
  readonly #inFlight = new InFlight()
  /** How many ask for room now, by key. */
  readonly #taking = new Map<string, number>()
  readonly #spent: Suspects
  readonly #refused: Suspects

  constructor(counters: Counters, clock: Clock) {
    this.#counters = counters
    this.#spent = new Suspects(clock)
    this.#refused = new Suspects(clock)
  }

  /**
   * Takes room in each budget, or in none. Each is to be given to {@link giveBack} or {@link keep}.
   * @throws {SpentError} with the first that has no room; {StoreUnavailableError} when nobody can say.
   */
  async reserve(budgets: readonly Budget[]): Promise<readonly Held[]> {
    for (const budget of budgets) this.#check(budget)
    const held: Held[] = []
    try {
      for (const budget of budgets) held.push(await this.#take(budget))
      return held
    } catch (error) {
      await this.giveBack(held).catch(() => undefined)
      throw error
    }
  }

  /** The attempts were good, or none. @throws {StoreUnavailableError} when the database cannot be used. */
  async giveBack(held: readonly Held[]): Promise<void> {
    const giving = held.map(async ({ budget: { key, allowance }, until }) => {
      try {
        await this.#counters.giveBack(key, allowance.window, until)
      } finally {
        this.#inFlight.end(key)
      }
    })
    const failed = (await Promise.allSettled(giving)).find((each) => each.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** The attempts failed, and count. */
  keep(held: readonly Held[]): void {
    for (const { budget } of held) this.#inFlight.end(budget.key)
  }

  forget(isMeant: (key: string) => boolean): void {
    this.#counters.forget(isMeant)
    // They are short-lived.
    this.#refused.forget(() => true)
    this.#spent.forget(isMeant)
  }

  async #take(budget: Budget): Promise<Held> {
    const { key, allowance } = budget
    for (let tries = 1; ; ) {
      this.#check(budget)
      this.#taking.set(key, (this.#taking.get(key) ?? 0) + 1)
      try {
        const { count, left, until } = await this.#counters.take(key, allowance.window)
        if (count <= allowance.most) {
          this.#inFlight.begin(key)
          return { budget, count, left, until }
        }
        // What was refused does not count, or a crowd of right passwords would shut the door behind itself.
        await this.#counters.giveBack(key, allowance.window, until)
        this.#spent.add(key, left)
      } finally {
        const others = (this.#taking.get(key) ?? 1) - 1
        if (others > 0) this.#taking.set(key, others)
        else this.#taking.delete(key)
      }
      if (await this.#inFlight.wait(key)) continue
      // Another one's answer is on its way, or it was counted for a moment only.
      if (this.#taking.has(key) && tries++ < mostTries) continue
      this.#refused.add(nameRefusal(budget), refusalLife)
      throw new SpentError(budget, this.#spent.left(key))
    }
  }

  #check(budget: Budget): void {
    if (this.#refused.has(nameRefusal(budget))) throw new SpentError(budget, this.#spent.left(budget.key))
  }
}

/** What is too much for some leaves room for others. */
function nameRefusal({ key, allowance }: Budget): string {
  return `${key} ${allowance.most}`
}
