import { promisify } from 'node:util'
import { inflate } from 'node:zlib'

const inflateBytes = promisify(inflate)

/** The widths that a status may have, in bits (draft-ietf-oauth-status-list §4.1). */
export type StatusBits = 1 | 2 | 4 | 8

/** The largest list that is unpacked, in bytes: 2^26 statuses of one bit. */
const maxBytes = 2 ** 23

/**
 * A status list (draft-ietf-oauth-status-list §4.1): one small number for each index, the first in the lowest bits of
 * the first byte. 0 is valid; here a status that once was something else never becomes valid again.
 */
export class StatusList {
  readonly bits: StatusBits
  readonly #bytes: Uint8Array

  constructor(bits: StatusBits, bytes: Uint8Array) {
    this.bits = bits
    this.#bytes = bytes
  }

  /** A list of so many indexes, all valid. */
  static ofSize(size: number): StatusList {
    if (!Number.isSafeInteger(size) || size < 0 || size > maxBytes * 8) {
      throw new RangeError('The status list is too large.')
    }
    return new StatusList(1, new Uint8Array(Math.ceil(size / 8)))
  }

  /** How many indexes it has, those that fill the last byte included. */
  get size(): number {
    return (this.#bytes.length * 8) / this.bits
  }

  /** The status at the index; undefined when the list has no such index. */
  get(index: number): number | undefined {
    const position = index * this.bits
    const byte = this.#bytes[Math.floor(position / 8)]
    return byte === undefined ? undefined : (byte >> (position % 8)) & ((1 << this.bits) - 1)
  }

  /** Revokes all indexes from `first` to `last`, both included, as far as the list has them. */
  revoke(first: number, last: number = first): void {
    for (let index = Math.max(first, 0); index <= Math.min(last, this.size - 1); index++) {
      const position = index * this.bits
      const at = Math.floor(position / 8)
      // Eight at a time where the range covers a whole byte: a client's blocks are long.
      if (this.bits === 1 && position % 8 === 0 && index + 7 <= last) {
        this.#bytes[at] = 0xff
        index += 7
      } else {
        this.#bytes[at] = (this.#bytes[at] ?? 0) | (1 << (position % 8))
      }
    }
  }

  /** This list with all that the other one knows as well: what either of them says is no longer valid, is not. */
  mergedWith(other: StatusList): StatusList {
    if (other.bits !== this.bits) throw new Error('The status list changed its width.')
    const [long, short] = other.size > this.size ? [other.#bytes, this.#bytes] : [this.#bytes, other.#bytes]
    const merged = Uint8Array.from(long)
    for (let at = 0; at < short.length; at++) merged[at] = (merged[at] ?? 0) | (short[at] ?? 0)
    return new StatusList(this.bits, merged)
  }
}

/**
 * Unpacks the `status_list` member (draft-ietf-oauth-status-list §4.2): base64url of a zlib stream. Not on the main
 * thread, and never more than 8 MiB however small the text is.
 * @throws {Error} when it is no status list, or a larger one
 */
export async function decodeStatusList(member: {
  readonly bits?: unknown
  readonly lst?: unknown
}): Promise<StatusList> {
  const { bits, lst } = member
  if (bits !== 1 && bits !== 2 && bits !== 4 && bits !== 8) throw new Error('The status list has no width.')
  if (typeof lst !== 'string') throw new Error('The status list has no content.')
  const packed = Buffer.from(lst, 'base64url')
  if (packed.toString('base64url') !== lst) throw new Error('The status list is no base64url.')
  return new StatusList(bits, await inflateBytes(packed, { maxOutputLength: maxBytes }))
}
