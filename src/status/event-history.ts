/** How many events, and bytes of them, can be resumed from. */
const mostEvents = 10_000
const mostBytes = 8 * 1_048_576

interface KeptEvent {
  readonly version: number
  readonly frame: Buffer
}

/** The latest change events, without a gap, for those who come back. */
export class EventHistory {
  #events: KeptEvent[] = []
  #bytes = 0

  add(version: number, frame: Buffer): void {
    if (version !== (this.#events.at(-1)?.version ?? version - 1) + 1) this.clear()
    this.#events.push({ version, frame })
    this.#bytes += frame.length
    if (this.#events.length > mostEvents || this.#bytes > mostBytes) this.#trim()
  }

  clear(): void {
    this.#events = []
    this.#bytes = 0
  }

  /** What came after `version`; undefined when some of it is gone. `latest` is the number of the last change. */
  since(version: number, latest: number): readonly Buffer[] | undefined {
    if (version === latest) return []
    const first = this.#events[0]?.version
    if (first === undefined || version < first - 1 || version > latest) return undefined
    return this.#events.slice(version - first + 1).map((event) => event.frame)
  }

  /** The older half, so that it is seldom done. */
  #trim(): void {
    this.#events = this.#events.slice(Math.ceil(this.#events.length / 2))
    this.#bytes = this.#events.reduce((sum, { frame }) => sum + frame.length, 0)
  }
}
