import * as z from 'zod'
import type { Event } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import type { Store } from '../store/store.ts'
import { type Clearing, isRequestsKey } from './budget-keys.ts'
import type { Held } from './budgets.ts'
import type { Counters } from './counters.ts'
import type { Subject } from './gate.ts'
import type { SubjectKind } from './policy.ts'

/** What is known of a budget that is used up, as it is kept. */
export interface UsedUpBudget {
  readonly kind: SubjectKind
  readonly by: 'name' | 'network' | 'requests'
  /** The id of the user or the `client_id`, where the failure that used it up was about one that exists. */
  readonly about?: string
  /** Where it holds; undefined: everywhere the subject is not known, or on this machine. */
  readonly network?: string
}

/** Takes down, once for each time that a budget is used up, that it is: so an attack is a row, not a row an attempt. */
export class UsedUp {
  readonly #store: Store
  readonly #clock: Clock

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** @throws {StoreUnavailableError} when the database cannot be used. */
  async record(subject: Subject, about: string | undefined, { budget, left }: Held): Promise<void> {
    const { network } = budget
    const data: UsedUpBudget = {
      kind: subject.kind,
      by: budget.by,
      ...(about !== undefined && budget.by === 'name' && { about }),
      ...(network !== undefined && { network }),
    }
    const since = this.#clock.now()
    const until = since + left
    await this.#store.transaction(async (tx) => {
      await tx.throttles.upsert({ key: budget.key, data: JSON.stringify(data), since, until })
      await tx.record(toEvent(data, until))
    })
  }

  /** Takes the budgets that were used up before the process began for counted. */
  async restore(counters: Counters): Promise<void> {
    const now = this.#clock.now()
    for (const { key, until } of await this.#store.throttles.list(now)) {
      if (!isRequestsKey(key)) await counters.restore(key, filled, until - now)
    }
  }
}

/** Fills a budget of any size. */
const filled = 1_000_000

function toEvent({ kind, by, about, network }: UsedUpBudget, until: number): Event {
  const where = network !== undefined && { network }
  return kind === 'user'
    ? { type: 'login.throttled', by, until, ...(about !== undefined && { user: about }), ...where }
    : { type: 'client.throttled', by, until, ...(about !== undefined && { client: about }), ...where }
}

/** What is kept of a used-up budget; undefined when it was written by another version. */
export function parseUsedUp(data: string): UsedUpBudget | undefined {
  return usedUpBudget.safeParse(JSON.parse(data)).data
}

/** What an operator cleared; undefined when it was written by another version. */
export function parseClearing(data: string): Clearing | undefined {
  return clearing.safeParse(JSON.parse(data)).data
}

const usedUpBudget = z.object({
  kind: z.enum(['user', 'client']),
  by: z.enum(['name', 'network', 'requests']),
  about: z.string().exactOptional(),
  network: z.string().exactOptional(),
})

const clearing = z.discriminatedUnion('what', [
  z.object({ what: z.literal('subject'), subject: z.string() }),
  z.object({ what: z.literal('network'), network: z.string() }),
  z.object({ what: z.literal('all') }),
])
