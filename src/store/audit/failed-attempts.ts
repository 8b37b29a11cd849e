import { randomBytes } from 'node:crypto'
import type { Event } from '../../events/event.ts'
import type { Clock } from '../../lib/clock.ts'
import { hmacSha256 } from '../../lib/digests.ts'
import { minute } from '../../lib/durations.ts'
import { UnavailableError } from '../../lib/unavailable-error.ts'
import { UnknownCommitError } from '../errors.ts'
import type { Store } from '../store.ts'

/** A password or a client secret that was refused. */
export type FailedAttempt = Extract<Event, { readonly type: 'login.failed' | 'client.authentication_failed' }>

/** For how long failures are counted together, in milliseconds. */
const usualWindow = minute

/** How many failures of one name have a row of their own in a window, and how many of all names. */
const ownRows = { perName: 5, inAll: 100 } as const

/** How many counts are kept at once; past it a count is of all users, then of all clients. */
const mostCounts = 200

/** How many names are told apart in a window; past it they are too many to tell. */
const mostNames = 10_000

/** What was counted since the window began. */
interface Count {
  readonly event: FailedAttempt
  count: number
  firstAt: number
  lastAt: number
  readonly names: Set<string>
}

export interface FailedAttemptsOptions {
  readonly store: Pick<Store, 'transaction' | 'tell'>
  readonly clock: Clock
  /** For how long failures are counted together, in milliseconds; a minute by default. */
  readonly window?: number
  readonly onError: (error: unknown) => void
}

/**
 * The audit rows of failed attempts, which strangers cause. The first few of a minute are rows of their own, committed
 * before the answer leaves; of those beyond, one row each minute tells how many there were, so that a flood writes no row
 * and no commit per attempt, under however many names. Each attempt is a log line and counts. A crash loses the
 * counts of a minute at most.
 */
export class FailedAttempts {
  readonly #options: FailedAttemptsOptions
  /** Names that strangers typed may be passwords: they are kept as digests, under a key that ends with the process. */
  readonly #key = randomBytes(32)
  #own = new Map<string, number>()
  #rows = 0
  #counts = new Map<string, Count>()
  #names = 0
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: FailedAttemptsOptions) {
    this.#options = options
  }

  /** Tells an attempt. @param name what was claimed: a user's name or a client's, registered or not. */
  async tell(event: FailedAttempt, name: string): Promise<void> {
    const { store } = this.#options
    this.#begin()
    const digest = this.#digest(event.type, name)
    if (!this.#takeRow(digest)) {
      store.tell(event)
      this.#count(event, digest)
      return
    }
    try {
      await store.transaction((tx) => tx.record(event))
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      // The answer is the same whether the database can be written or not, and the row comes later; where a commit is
      // in doubt it is there already, or is the one that a crash would cost.
      store.tell(event)
      if (error instanceof UnknownCommitError) return
      this.#begin()
      this.#count(event, digest)
    }
  }

  /** Writes what was counted. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#writing
    await this.#write()
  }

  #begin(): void {
    if (this.#timer || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#writing = this.#writing.then(() => this.#write())
    }, this.#options.window ?? usualWindow)
    this.#timer.unref()
  }

  #digest(type: string, name: string): string {
    return hmacSha256(this.#key, `${type}\n${name}`).toString('base64url', 0, 16)
  }

  /** Whether the attempt has a row of its own. */
  #takeRow(digest: string): boolean {
    const taken = this.#own.get(digest) ?? 0
    if (taken >= ownRows.perName || this.#rows >= ownRows.inAll || this.#closed) return false
    this.#own.set(digest, taken + 1)
    this.#rows++
    return true
  }

  #count(event: FailedAttempt, digest: string): void {
    const now = this.#options.clock.now()
    const count = this.#find(event, now)
    count.count++
    count.firstAt = Math.min(count.firstAt, now)
    count.lastAt = Math.max(count.lastAt, now)
    if (this.#names >= mostNames || count.names.has(digest)) return
    count.names.add(digest)
    this.#names++
  }

  /** The count of such attempts: of this user and client where there is room for one, otherwise of more. */
  #find(event: FailedAttempt, now: number): Count {
    const { client: _client, ...ofAllClients } = withoutUser(event)
    const coarser = [event, withoutUser(event), ofAllClients]
    const keys = coarser.map((each) => JSON.stringify(each))
    for (const [index, kept] of coarser.entries()) {
      const key = keys[index] ?? ''
      const found = this.#counts.get(key)
      if (found) return found
      // The last two are as many as there are reasons, and always have room.
      if (this.#counts.size >= mostCounts && index < coarser.length - 1) continue
      const made = { event: kept, count: 0, firstAt: now, lastAt: now, names: new Set<string>() }
      this.#counts.set(key, made)
      return made
    }
    throw new TypeError('A count of all clients has room.')
  }

  async #write(): Promise<void> {
    const counts = [...this.#counts.values()]
    this.#own = new Map()
    this.#rows = 0
    this.#counts = new Map()
    this.#names = 0
    if (counts.length === 0) return
    try {
      // Past the sinks: each attempt has had its line and was counted.
      await this.#options.store.transaction((tx) => tx.audit.append(counts.map(toRow), tx.now))
    } catch (error) {
      if (!(error instanceof UnavailableError) || this.#closed) this.#options.onError(error)
      if (!(error instanceof UnknownCommitError)) this.#keep(counts)
    }
  }

  /** What could not be written is written with what comes. */
  #keep(counts: readonly Count[]): void {
    for (const { event, count, firstAt, names } of counts) {
      const kept = this.#find(event, firstAt)
      kept.count += count
      kept.firstAt = Math.min(kept.firstAt, firstAt)
      for (const name of names) kept.names.add(name)
      this.#names += names.size
    }
    this.#begin()
  }
}

function withoutUser(event: FailedAttempt): FailedAttempt {
  if (event.type !== 'login.failed') return event
  const { user: _user, ...rest } = event
  return rest
}

function toRow({ event, count, firstAt, lastAt, names }: Count): FailedAttempt {
  return { ...event, count, firstAt, lastAt, names: names.size }
}
