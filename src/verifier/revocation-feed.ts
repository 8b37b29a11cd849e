import { Backoff, pause, unref } from './backoff.ts'
import { before, look } from './clock.ts'
import { EventStreamReader, type ServerSentEvent } from './event-stream.ts'
import type { Fetch } from './fetch-like.ts'
import { Freshness } from './freshness.ts'
import { basicCredentials, describeProblem, exchange } from './http.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { Settings } from './options.ts'
import { DoubtError, StatusHistory } from './status-history.ts'
import { maxStatusListToken, readStatusListToken, type SignedStatusList } from './status-list-token.ts'
import { StatusLists } from './status-lists.ts'
import {
  isChangeType,
  readChange,
  readHeartbeat,
  readMessage,
  readPosition,
  readSnapshot,
} from './status-messages.ts'
import { StreamClock } from './stream-clock.ts'
import { openStream } from './stream-connection.ts'

/** How far what is polled may lag behind the database: the issuer's second, and that of a cache on the way. */
const listLag = 2_000
const maxAggregation = 16 * 2 ** 20
/** A stream without a heartbeat for so many milliseconds is as good as none; they come every two seconds. */
const leastPatience = 6_000
const mostRetryAfter = 60_000
const beganInTheMiddle = 'The issuer began in the middle.'

/** Learns what was revoked: by the event stream, and while there is none by asking every few seconds. */
export class RevocationFeed {
  readonly freshness: Freshness
  readonly lists: StatusLists
  /** Resolves when the lists were there for the first time, or could not be had. */
  readonly firstAttempt: Promise<void>
  readonly #settings: Settings
  readonly #fetch: Fetch
  readonly #keys: IssuerKeys
  readonly #history: StatusHistory
  readonly #closing = new AbortController()
  #isFollowing = false
  #isPolling = false
  #etag: string | undefined
  #announceFirst: () => void = () => undefined

  constructor(settings: Settings, fetch: Fetch, keys: IssuerKeys) {
    const { tell } = settings
    this.#settings = settings
    this.#fetch = fetch
    this.#keys = keys
    const freshness = new Freshness(settings)
    const lists = new StatusLists({
      fetchList: (uri) => this.#fetchList(uri),
      signal: this.#closing.signal,
      tell,
      onCurrent: () => {
        this.#history.settle()
        this.#announceFirst()
      },
    })
    this.freshness = freshness
    this.lists = lists
    const onKeys = (withdrawn: readonly string[], isHint: boolean) => {
      // Whoever hears of it by a snapshot needs the keys that took their place no less.
      if (keys.withdraw(withdrawn) || isHint) void keys.refetch()
    }
    this.#history = new StatusHistory({ lists, freshness, tell, onKeys })
    this.firstAttempt = new Promise((resolve) => {
      this.#announceFirst = resolve
    })
  }

  start(): void {
    if (this.#settings.revocation === 'push') void this.#follow()
    else void this.#poll()
  }

  /** Whether the issuer has once shown its lists. */
  get hasBegun(): boolean {
    return this.freshness.hasBegun
  }

  close(): void {
    this.#closing.abort()
    this.#announceFirst()
    this.freshness.close()
  }

  async #follow(): Promise<void> {
    const { tell } = this.#settings
    const { signal } = this.#closing
    const backoff = new Backoff(200, 10_000)
    while (!signal.aborted) {
      let least = 0
      try {
        least = await this.#readStream(() => backoff.reset())
        tell?.({ type: 'stream.lost', problem: 'The issuer closed it, or refused it.' })
      } catch (error) {
        const type = error instanceof DoubtError ? 'stream.doubted' : 'stream.lost'
        if (!signal.aborted) tell?.({ type, problem: describeProblem(error) })
      }
      this.#isFollowing = false
      this.#history.forgetAwaited()
      void this.#poll()
      await pause(Math.max(backoff.next(), Math.min(least, mostRetryAfter)), signal)
    }
  }

  /** Reads one connection to its end; resolves to the least time to wait before the next one, in milliseconds. */
  async #readStream(onOpen: () => void): Promise<number> {
    const { statusLists, credentials, fetch, staleAfter, clock } = this.#settings
    const { position } = this.#history
    const streamClock = new StreamClock(look(clock))
    const connection = await openStream(
      `${statusLists}/events`,
      {
        Accept: 'text/event-stream',
        'Cache-Control': 'no-cache',
        ...(position && { 'Last-Event-ID': `${position.epoch}.${position.version}` }),
        ...(credentials && { Authorization: basicCredentials(credentials) }),
      },
      this.#closing.signal,
      fetch,
    )
    const patience = Math.max(staleAfter, leastPatience)
    const watchdog = unref(setTimeout(() => connection.close(), patience))
    const reader = new EventStreamReader()
    let isLate = false
    try {
      if (connection.status !== 200) return Number(connection.header('retry-after') ?? 0) * 1_000 || 0
      for await (const chunk of connection.chunks) {
        for (const event of reader.read(chunk)) {
          if (!this.#isFollowing) onOpen()
          if (event.type !== 'heartbeat') this.#take(event)
          else if (this.#takeHeartbeat(event, streamClock) <= patience / 2) watchdog.refresh()
          else isLate = true
        }
        // Not before all that has come is taken: what was received counts.
        if (isLate) throw new Error('The event stream lags behind.')
      }
      return reader.retry ?? 0
    } finally {
      clearTimeout(watchdog)
      connection.close()
    }
  }

  /** Returns how long it was under way, in milliseconds. */
  #takeHeartbeat({ data }: ServerSentEvent, streamClock: StreamClock): number {
    if (!this.#isFollowing) throw new DoubtError(beganInTheMiddle)
    const { version, age, at } = readHeartbeat(readMessage(data))
    const now = look(this.#settings.clock)
    this.#history.takeHeartbeat(version, before(streamClock.saidAt(at, now), age))
    return streamClock.delay(at, now)
  }

  #take({ type, data, id }: ServerSentEvent): void {
    const history = this.#history
    if (type === 'snapshot') {
      const snapshot = readSnapshot(readMessage(data))
      history.takeSnapshot(snapshot)
      if (this.lists.areCurrent) this.#announceFirst()
      this.#etag = undefined
      this.#begin(false)
    } else if (type === 'resumed') {
      history.resume(readPosition(id))
      this.#begin(true)
    } else if (!this.#isFollowing) {
      throw new DoubtError(beganInTheMiddle)
    } else if (isChangeType(type)) {
      history.takeChange(readChange(type, readMessage(data)), readPosition(id).epoch)
    }
  }

  #begin(resumed: boolean): void {
    this.#isFollowing = true
    this.#settings.tell?.({ type: 'stream.opened', resumed })
  }

  /** Asks every few seconds, until there is a stream. */
  async #poll(): Promise<void> {
    if (this.#isPolling) return
    this.#isPolling = true
    const { pollInterval } = this.#settings
    const { signal } = this.#closing
    while (!this.#isFollowing && !signal.aborted) {
      await this.#ask()
      // Lists that are still under way announce it themselves.
      if (this.lists.areCurrent) this.#announceFirst()
      await pause(pollInterval * (0.85 + Math.random() * 0.15), signal)
    }
    this.#isPolling = false
  }

  async #ask(): Promise<void> {
    const { statusLists, clock, tell } = this.#settings
    const askedAt = look(clock)
    try {
      const { status, headers, body } = await exchange(this.#fetch, statusLists, {
        headers: {
          Accept: 'application/json',
          'Cache-Control': 'no-cache',
          ...(this.#etag && { 'If-None-Match': this.#etag }),
        },
        maxBytes: maxAggregation,
        signal: this.#closing.signal,
      })
      if (this.#isFollowing) return
      if (status === 200) {
        this.#history.takeSnapshot(readSnapshot(readMessage(body.toString())['mintage']))
        this.#etag = headers.get('etag') ?? undefined
      } else if (status !== 304 || !this.#etag)
        throw new Error(`The status lists were answered with ${status}.`)
      const age = Number(headers.get('age') ?? 0) * 1_000 || 0
      this.#history.know(before(askedAt, age + listLag))
      tell?.({ type: 'status.polled', version: this.#history.version })
    } catch (error) {
      if (!this.#closing.signal.aborted)
        tell?.({ type: 'status.poll-failed', problem: describeProblem(error) })
    }
  }

  /** Undefined when the issuer has no such list. */
  async #fetchList(uri: string): Promise<SignedStatusList | undefined> {
    const { statusLists, issuer, clock, clockTolerance } = this.#settings
    // A signed token names it, and still only the issuer's own lists are fetched.
    if (!uri.startsWith(`${statusLists}/`)) throw new Error('The status list is not one of the issuer.')
    const { status, body } = await exchange(this.#fetch, uri, {
      headers: { Accept: 'application/statuslist+jwt', 'Cache-Control': 'no-cache' },
      maxBytes: maxStatusListToken,
      signal: this.#closing.signal,
    })
    if (status === 404) return undefined
    if (status !== 200) throw new Error(`The status list was answered with ${status}.`)
    return readStatusListToken(body.toString('latin1'), {
      uri,
      issuer,
      now: clock.wall(),
      clockTolerance,
      findKey: async (kid) => (await this.#keys.find(kid)).publicKey,
    })
  }
}
