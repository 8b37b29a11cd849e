/** One server-sent event (WHATWG HTML §9.2). */
export interface ServerSentEvent {
  readonly type: string
  readonly data: string
  /** The `id` field of this event, if it has one. */
  readonly id: string | undefined
}

/**
 * Reads a stream of server-sent events, however it is cut into pieces (WHATWG HTML §9.2.6). Bounded: an issuer that
 * never ends a line or an event must not fill the memory.
 */
export class EventStreamReader {
  readonly #decoder = new TextDecoder()
  readonly #maxLength: number
  #rest = ''
  /** Whether the last piece ended in a carriage return, to which a line feed may still belong. */
  #sawReturn = false
  #type = ''
  #data: string[] = []
  #dataLength = 0
  #id: string | undefined
  /** What the server asked for between two connections, in milliseconds. */
  retry: number | undefined

  /** @param maxLength of one event, in characters. */
  constructor(maxLength = 16 * 2 ** 20) {
    this.#maxLength = maxLength
  }

  /**
   * The events that this piece completes.
   * @throws {RangeError} when an event is longer than allowed
   */
  read(bytes: Uint8Array): readonly ServerSentEvent[] {
    let text = this.#decoder.decode(bytes, { stream: true })
    if (this.#sawReturn && text.startsWith('\n')) text = text.slice(1)
    if (text !== '') this.#sawReturn = text.endsWith('\r')
    if (!/[\r\n]/.test(text)) {
      this.#rest += text
      this.#checkLength(this.#rest.length)
      return []
    }
    const lines = (this.#rest + text).split(/\r\n|\n|\r/)
    this.#rest = lines.pop() ?? ''
    const events = lines.map((line) => this.#readLine(line)).filter((event) => event !== undefined)
    this.#checkLength(this.#rest.length)
    return events
  }

  #readLine(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') this.#type = value
    else if (field === 'data') {
      this.#data.push(value)
      this.#dataLength += value.length + 1
      this.#checkLength(0)
    } else if (field === 'id' && !value.includes('\0')) this.#id = value
    else if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value)
    return undefined
  }

  #dispatch(): ServerSentEvent | undefined {
    const data = this.#data
    const event = { type: this.#type || 'message', data: data.join('\n'), id: this.#id }
    this.#type = ''
    this.#data = []
    this.#dataLength = 0
    this.#id = undefined
    return data.length === 0 ? undefined : event
  }

  #checkLength(more: number): void {
    if (this.#dataLength + more > this.#maxLength) throw new RangeError('An event of the stream is too long.')
  }
}
