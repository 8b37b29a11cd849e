import { setTimeout as delay } from 'node:timers/promises'
import { isAudited } from '../events/event.ts'
import { eventTypes } from '../events/event-types.ts'
import { quote } from '../lib/quote.ts'
import { suggest } from '../lib/suggestion.ts'
import type { AuditFilter, AuditRecord } from '../store/audit-table.ts'
import type { Store } from '../store/store.ts'
import { AdminError } from './admin-error.ts'

const pageSize = 1_000

/** How long to wait for new rows, in milliseconds. */
const pause = 500

/**
 * How many ids back a follower looks again: on PostgreSQL a transaction that got its id earlier may commit later.
 */
const lookBack = 100

/** What rows may be asked for by: a type, or the word before its dot. */
const audited = eventTypes.filter((type) => isAudited({ type }))
const kinds = [...new Set(audited.map((type) => type.replace(/\..*/, '')))]

/** Reading the audit rows. Every method throws {AdminError} for what cannot be done. */
export class AuditAdmin {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** The newest `limit` rows, oldest first; then, until `signal` says stop, those that come. */
  async *tail(
    limit: number,
    { type, follow }: { readonly type?: string; readonly follow?: AbortSignal },
  ): AsyncGenerator<AuditRecord> {
    const filter = checkFilter(type === undefined ? {} : { type })
    // Asked before the rows are read: what comes in between is looked at twice rather than never.
    const [newest] = await this.#store.audit.tail(1)
    const rows = await this.#store.audit.tail(limit, filter)
    yield* rows
    if (!follow) return
    let last = newest?.id ?? 0
    const seen = new Set(rows.map((row) => row.id))
    const before = await this.#store.audit.page(last - lookBack, lookBack, filter)
    for (const row of before) if (row.id <= last) seen.add(row.id)
    while (await sleep(follow)) {
      for (const row of await this.#store.audit.page(last - lookBack, lookBack + pageSize, filter)) {
        if (seen.has(row.id)) continue
        seen.add(row.id)
        yield row
        last = Math.max(last, row.id)
      }
      for (const id of seen) if (id < last - lookBack) seen.delete(id)
    }
  }

  /** Every row of the filter, oldest first, a page at a time. */
  async *export(filter: AuditFilter): AsyncGenerator<AuditRecord> {
    checkFilter(filter)
    for (let after = 0; ; ) {
      const page = await this.#store.audit.page(after, pageSize, filter)
      yield* page
      const last = page.at(-1)
      if (!last) return
      after = last.id
    }
  }
}

function checkFilter(filter: AuditFilter): AuditFilter {
  checkType(filter.type)
  if ((filter.since ?? 0) >= (filter.until ?? Number.POSITIVE_INFINITY)) {
    throw new AdminError('Nothing lies between the two times: --since has to be before --until.')
  }
  return filter
}

function checkType(type: string | undefined): void {
  const known: readonly string[] = [...audited, ...kinds]
  if (type === undefined || known.includes(type)) return
  if (eventTypes.some((each) => each === type || each.startsWith(`${type}.`))) {
    throw new AdminError(
      `${type} is told by log lines and counters, and is no audit row: see docs/events.md.`,
    )
  }
  throw new AdminError(
    `No audit row has the type ${quote(type)}: it is two words, such as login.failed, or the first of them for all of ` +
      `that kind (${kinds.join(', ')}).${suggest(type, known).replace('\n', ' ')}`,
  )
}

/** @returns false when told to stop meanwhile. */
async function sleep(signal: AbortSignal): Promise<boolean> {
  await delay(pause, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}
