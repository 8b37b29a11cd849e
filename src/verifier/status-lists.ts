import { Backoff, pause } from './backoff.ts'
import type { Tell } from './events.ts'
import { describeProblem } from './http.ts'
import { StatusList } from './status-list.ts'
import type { SignedStatusList, StatusReference } from './status-list-token.ts'

/** What the lists say of a token; `unknown` where the list is not there. */
export type Verdict = 'valid' | 'revoked' | 'retired' | 'unknown'

/** A list as the issuer announces it. */
export interface AnnouncedList {
  /** The number of its last change. */
  readonly version: number
  readonly size: number
}

/** Both ends included. */
export type IndexRange = readonly [first: number, last: number]

interface Entry {
  readonly uri: string
  epoch: string | undefined
  /** What is known of it; before it was loaded, only what was pushed meanwhile. */
  list: StatusList | undefined
  /** What was pushed before even its size was known. */
  early: IndexRange[]
  isLoaded: boolean
  /** All its changes up to this number are in it. */
  version: number
  /** The number that it must have reached to count as current. */
  required: number
  isBehind: boolean
  loading: Promise<void> | undefined
}

/** Where an announcement stands among the changes. */
export interface AnnouncementPlace {
  readonly version: number
  readonly completeTo: number
  readonly force: boolean
}

export interface StatusListsOptions {
  /** Fetches and checks a list; undefined when the issuer has none at that place. */
  readonly fetchList: (uri: string) => Promise<SignedStatusList | undefined>
  readonly signal: AbortSignal
  readonly tell: Tell | undefined
  /** Called whenever no list is behind any more. */
  readonly onCurrent: () => void
}

const fetchesAtOnce = 4
const unknownListPause = 10_000
const maxRemembered = 10_000

/**
 * All status lists of the issuer. What was once said to be revoked stays so: lists are merged, never replaced, so that it
 * does not matter whether an event or a list comes first.
 */
export class StatusLists {
  readonly #options: StatusListsOptions
  readonly #entries = new Map<string, Entry>()
  readonly #retired = new Set<string>()
  /** Lists that the issuer did not have, and when it was asked. */
  readonly #refused = new Map<string, number>()
  readonly #queue: Entry[] = []
  #active = 0
  #behind = 0
  #epoch: string | undefined

  constructor(options: StatusListsOptions) {
    this.#options = options
  }

  /** Whether every list is as new as the issuer announced it. */
  get areCurrent(): boolean {
    return this.#behind === 0
  }

  get size(): number {
    return this.#entries.size
  }

  judge({ uri, index }: StatusReference): Verdict {
    const entry = this.#entries.get(uri)
    if (entry === undefined) return this.#retired.has(uri) ? 'retired' : 'unknown'
    if (entry.list === undefined) return 'unknown'
    const status = entry.list.get(index)
    if (status !== undefined && status !== 0) return 'revoked'
    if (!entry.isLoaded) return 'unknown'
    // An index that the list does not have is nobody's (draft-ietf-oauth-status-list §8.3).
    return status === undefined ? 'revoked' : 'valid'
  }

  /** Loads a list that a well-signed token names, unless the issuer just said that there is none. */
  async load(uri: string): Promise<void> {
    const entry = this.#entries.get(uri)
    if (entry?.isLoaded) return
    const refusedAt = this.#refused.get(uri)
    if (!entry && refusedAt !== undefined && performance.now() - refusedAt < unknownListPause) return
    await this.#load(entry ?? this.#add(uri, undefined, 0))
  }

  /**
   * Takes over all that the issuer announces.
   * @param version the number up to which the announcement has everything
   * @param completeTo every change up to this number was applied
   * @param force whether to fetch everything again, since the numbers of before mean nothing
   */
  announce(
    epoch: string,
    lists: ReadonlyMap<string, AnnouncedList>,
    { version: announced, completeTo, force }: AnnouncementPlace,
  ): void {
    this.#epoch = epoch
    for (const entry of this.#entries.values()) {
      if (entry.epoch !== undefined && entry.epoch !== epoch)
        this.#revokeAll(entry, lists.get(entry.uri)?.size)
      // One that is younger than the announcement cannot be in it.
      else if (!lists.has(entry.uri) && entry.loading === undefined && entry.version <= announced)
        this.#retire(entry)
    }
    for (const [uri, { version, size }] of lists) {
      const entry = this.#entries.get(uri) ?? this.#add(uri, size, version)
      if (entry.epoch !== undefined && entry.epoch !== epoch) continue
      entry.epoch = epoch
      if (entry.isLoaded && !entry.isBehind) entry.version = Math.max(entry.version, completeTo)
      entry.required = Math.max(entry.required, version)
      if (force || !entry.isLoaded || entry.version < entry.required) this.#markBehind(entry)
    }
  }

  /** A new list, of which nothing was revoked when it was made. */
  create(uri: string, { version, size }: AnnouncedList): void {
    const entry = this.#entries.get(uri)
    if (entry?.isLoaded) return
    const added = entry ?? this.#add(uri, size, version)
    added.list ??= StatusList.ofSize(size)
    added.version = version
    this.#finish(added)
  }

  revoke(uri: string, ranges: readonly IndexRange[], version: number): void {
    const entry = this.#entries.get(uri)
    if (!entry && this.#retired.has(uri)) return
    if (entry?.list) for (const [first, last] of ranges) entry.list.revoke(first, last)
    else {
      const added = entry ?? this.#add(uri, undefined, version)
      added.early.push(...ranges)
      this.#markBehind(added)
    }
  }

  retire(uri: string): void {
    const entry = this.#entries.get(uri)
    if (entry) this.#retire(entry)
  }

  #add(uri: string, size: number | undefined, required: number): Entry {
    const list = size === undefined ? undefined : StatusList.ofSize(size)
    const state = { isLoaded: false, isBehind: false, version: -1, required, loading: undefined }
    const entry: Entry = { uri, epoch: this.#epoch, list, early: [], ...state }
    this.#entries.set(uri, entry)
    this.#retired.delete(uri)
    return entry
  }

  /** A list of an older history: everything in it is revoked, for good. */
  #revokeAll(entry: Entry, size = 0): void {
    entry.list ??= StatusList.ofSize(size)
    entry.list.revoke(0, entry.list.size - 1)
    this.#finish(entry)
  }

  #retire(entry: Entry): void {
    this.#entries.delete(entry.uri)
    this.#finish(entry)
    if (this.#retired.size >= maxRemembered) this.#retired.clear()
    this.#retired.add(entry.uri)
    this.#options.tell?.({ type: 'list.retired', uri: entry.uri })
  }

  #markBehind(entry: Entry): void {
    if (entry.isBehind) return
    entry.isBehind = true
    this.#behind++
    this.#queue.push(entry)
    this.#work()
  }

  #takeEarly(entry: Entry): void {
    entry.isLoaded = true
    for (const [first, last] of entry.early.splice(0)) entry.list?.revoke(first, last)
  }

  #finish(entry: Entry): void {
    this.#takeEarly(entry)
    if (!entry.isBehind) return
    entry.isBehind = false
    this.#behind--
    if (this.#behind === 0) this.#options.onCurrent()
  }

  #work(): void {
    while (this.#active < fetchesAtOnce) {
      const entry = this.#queue.shift()
      if (!entry) return
      this.#active++
      void this.#catchUp(entry).finally(() => {
        this.#active--
        this.#work()
      })
    }
  }

  /** Tries until the list is there, or is no longer wanted. */
  async #catchUp(entry: Entry): Promise<void> {
    const backoff = new Backoff(200, 10_000)
    const { signal } = this.#options
    while (entry.isBehind && this.#entries.get(entry.uri) === entry && !signal.aborted) {
      await this.#load(entry)
      if (entry.isBehind) await pause(backoff.next(), signal)
    }
  }

  #load(entry: Entry): Promise<void> {
    entry.loading ??= this.#fetch(entry)
      .catch((error: unknown) => {
        this.#options.tell?.({ type: 'list.failed', uri: entry.uri, problem: describeProblem(error) })
        // One that nothing announced is forgotten again; whoever needs it asks again.
        if (!entry.isBehind && !entry.isLoaded) this.#drop(entry)
      })
      .finally(() => {
        entry.loading = undefined
      })
    return entry.loading
  }

  async #fetch(entry: Entry): Promise<void> {
    const { uri } = entry
    const fetched = await this.#options.fetchList(uri)
    if (this.#entries.get(uri) !== entry) return
    if (!fetched) {
      this.#drop(entry)
      throw new Error('The issuer has no such status list.')
    }
    const { list, epoch, version = Number.POSITIVE_INFINITY } = fetched
    if (entry.epoch !== undefined && epoch !== entry.epoch)
      throw new Error('The status list has another epoch.')
    // Even a list that is too old says nothing wrong about what it says is revoked; until a newer one comes, it is what
    // is known, and nobody is fresh.
    entry.list = entry.list?.bits === list.bits ? entry.list.mergedWith(list) : list
    entry.epoch = epoch
    entry.version = Math.max(entry.version, version === Number.POSITIVE_INFINITY ? 0 : version)
    this.#takeEarly(entry)
    if (version < entry.required) {
      this.#markBehind(entry)
      throw new Error('The status list is older than the issuer announced.')
    }
    this.#finish(entry)
    this.#options.tell?.({ type: 'list.loaded', uri, size: list.size })
  }

  /** The issuer does not have it now; unlike a retired one it may yet come. */
  #drop(entry: Entry): void {
    if (this.#refused.size >= maxRemembered) this.#refused.clear()
    this.#refused.set(entry.uri, performance.now())
    if (this.#entries.get(entry.uri) === entry) this.#entries.delete(entry.uri)
    if (!entry.isBehind) return
    entry.isBehind = false
    this.#behind--
    if (this.#behind === 0) this.#options.onCurrent()
  }
}
