import { second } from '../lib/durations.ts'
import type { NumberedChange } from '../store/status-change.ts'
import { changeFrame, heartbeatFrame, resumedFrame, snapshotFrame, summarise } from './event-frames.ts'
import { EventHistory } from './event-history.ts'
import type { Following, StatusFollower } from './follower.ts'
import { StreamPlaces, type Visitor } from './stream-places.ts'

/** How often subscribers are told that nothing was missed, in milliseconds. */
const heartbeatInterval = 2 * second

/**
 * How much may wait for a reader, in bytes: so much for a while (milliseconds), and so much at all. One that is cut
 * resumes when it can.
 */
const mostUnread = 262_144
const behindFor = 6 * second
const mostUnreadAtAll = 4 * 1_048_576

/** The connection of one subscriber. */
export interface StreamReader {
  write(frame: Buffer): void
  /** How many bytes were written and not yet taken. */
  readonly unread: number
  /** Ends the answer as it should be. */
  end(): void
  /** Cuts the connection. */
  cut(): void
}

export interface EventStreamOptions {
  readonly follower: StatusFollower
  /** What the id of a list is appended to. */
  readonly listBase: string
  /** How many may subscribe at once. */
  readonly subscribers: number
}

interface Subscriber {
  readonly reader: StreamReader
  /** Since when too much waits for it, by the monotonic clock. */
  behindSince: number | undefined
}

/**
 * Tells subscribers every change, in order and without a gap. A change is written once and the same bytes go to all.
 * While this process cannot read the database there are no heartbeats, so that nobody takes its silence for peace.
 */
export class EventStream implements Following {
  readonly #follower: StatusFollower
  readonly #listBase: string
  readonly #history = new EventHistory()
  readonly #places: StreamPlaces<Subscriber>
  #timer: NodeJS.Timeout | undefined
  #beating = false
  #closed = false

  constructor({ follower, listBase, subscribers }: EventStreamOptions, changes: readonly NumberedChange[]) {
    this.#follower = follower
    this.#listBase = listBase
    this.#places = new StreamPlaces(subscribers, (subscriber) => subscriber.reader.end())
    this.#remember(changes)
    follower.follow(this)
  }

  /** How many subscribe now. */
  get subscribers(): number {
    return this.#places.size
  }

  /** Whether it takes new subscribers; a process that stops sends them elsewhere. */
  get isOpen(): boolean {
    return !this.#closed
  }

  /** Waits until this process knows what another one told a reader before; an outage is no reason to wait. */
  async prepare(lastEventId: string | undefined): Promise<void> {
    const known = this.#read(lastEventId)
    if (known !== undefined && known > this.#follower.board.version) {
      await this.#follower.catchUp().catch(() => undefined)
    }
  }

  /**
   * Begins to tell a reader.
   * @param lastEventId what it has already, from the header of that name.
   * @returns what to call when it is gone; undefined when there is no place for it.
   */
  subscribe(
    reader: StreamReader,
    visitor: Visitor,
    lastEventId: string | undefined,
  ): (() => void) | undefined {
    if (this.#closed) return undefined
    const subscriber: Subscriber = { reader, behindSince: undefined }
    const leave = this.#places.enter(subscriber, visitor)
    if (!leave) return undefined
    reader.write(this.#resume(lastEventId) ?? this.#snapshot())
    this.#schedule()
    // It need not wait for the next heartbeat to know that it has everything.
    this.#beat([subscriber]).catch(() => undefined)
    return leave
  }

  changed(changes: readonly NumberedChange[]): void {
    if (this.#closed) return
    const frames = this.#remember(changes)
    this.#write(this.#places.all(), Buffer.concat(frames))
  }

  reset(changes: readonly NumberedChange[]): void {
    if (this.#closed) return
    this.#history.clear()
    this.#remember(changes)
    if (this.#places.size > 0) this.#write(this.#places.all(), this.#snapshot())
  }

  /** Ends every stream; its readers come back, to a process that stays. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const { reader } of this.#places.all()) reader.end()
  }

  #remember(changes: readonly NumberedChange[]): readonly Buffer[] {
    const { epoch } = this.#follower.board
    return changes.map((change) => {
      const frame = changeFrame(epoch, change, this.#listBase)
      this.#history.add(change.version, frame)
      return frame
    })
  }

  #snapshot(): Buffer {
    return snapshotFrame(summarise(this.#follower.board, this.#listBase))
  }

  /** The version that an event id of this epoch names. */
  #read(lastEventId: string | undefined): number | undefined {
    const match = /^(.+)\.(\d{1,15})$/.exec(lastEventId ?? '')
    return match?.[1] === this.#follower.board.epoch ? Number(match[2]) : undefined
  }

  #resume(lastEventId: string | undefined): Buffer | undefined {
    const { epoch, version: latest } = this.#follower.board
    const version = this.#read(lastEventId)
    if (version === undefined) return undefined
    const missed = this.#history.since(version, latest)
    if (!missed) return undefined
    const frames = Buffer.concat([resumedFrame(epoch, version), ...missed])
    // Who has missed this much is quicker by the lists.
    return frames.length > mostUnread ? undefined : frames
  }

  #schedule(): void {
    if (this.#timer || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#places.size === 0) return
      this.#schedule()
      // One at a time: a database that hangs must not collect questions.
      if (this.#beating) return
      this.#beating = true
      this.#beat(this.#places.all())
        .catch(() => undefined)
        .finally(() => {
          this.#beating = false
        })
    }, heartbeatInterval)
    this.#timer.unref()
  }

  /** Tells that everything was told, once it is sure: after a reading that began after this call. */
  async #beat(subscribers: Iterable<Subscriber>): Promise<void> {
    await this.#follower.catchUp()
    this.#write(subscribers, heartbeatFrame(this.#follower.board.version, this.#follower.age))
  }

  #write(subscribers: Iterable<Subscriber>, frame: Buffer): void {
    for (const subscriber of subscribers) {
      if (isTooSlow(subscriber)) subscriber.reader.cut()
      else subscriber.reader.write(frame)
    }
  }
}

function isTooSlow(subscriber: Subscriber): boolean {
  const { unread } = subscriber.reader
  if (unread <= mostUnread) {
    subscriber.behindSince = undefined
    return false
  }
  const now = performance.now()
  subscriber.behindSince ??= now
  return unread > mostUnreadAtAll || now - subscriber.behindSince > behindFor
}
