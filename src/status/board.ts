import type { NumberedChange, StatusReference } from '../store/status-change.ts'

/** A list as this process knows it. */
export interface BoardList {
  readonly id: string
  readonly size: number
  /** One bit for each place, the least significant of a byte first (Token Status List draft, "Status List"). */
  readonly bits: Buffer
  /** The number of its last change. */
  version: number
}

/** All lists that are in use, with every change up to `version`. A bit that is set is never unset. */
export class StatusBoard {
  readonly epoch: string
  readonly lists = new Map<string, BoardList>()
  readonly withdrawnKeys = new Set<string>()
  #version: number

  constructor(epoch: string, version: number) {
    this.epoch = epoch
    this.#version = version
  }

  get version(): number {
    return this.#version
  }

  add(id: string, size: number, version: number, bits: Buffer = Buffer.alloc(Math.ceil(size / 8))): void {
    this.lists.set(id, { id, size, bits, version })
  }

  /** Takes over a change; one that it has already does nothing. */
  apply({ version, change }: NumberedChange): void {
    this.#version = Math.max(this.#version, version)
    switch (change.kind) {
      case 'list':
        if (!this.lists.has(change.list)) this.add(change.list, change.size, version)
        return
      case 'retired':
        this.lists.delete(change.list)
        return
      case 'keys':
        for (const kid of change.withdrawn) this.withdrawnKeys.add(kid)
        return
      case 'revoked': {
        const list = this.lists.get(change.list)
        if (!list) return
        list.version = Math.max(list.version, version)
        if ('idx' in change) for (const index of change.idx) setBit(list, index)
        else for (const [from, to] of change.ranges) setBits(list, from, to)
      }
    }
  }

  /** The places that are revoked here and not on `other`, of the lists that both have. */
  revokedBeyond(other: StatusBoard): readonly StatusReference[] {
    const places: StatusReference[] = []
    for (const { id, bits } of this.lists.values()) {
      const others = other.lists.get(id)?.bits
      if (!others) continue
      for (const [byte, value] of bits.entries()) {
        const more = value & ~(others[byte] ?? 0)
        for (let bit = 0; bit < 8; bit++) {
          if ((more & (1 << bit)) !== 0) places.push({ list: id, index: byte * 8 + bit })
        }
      }
    }
    return places
  }

  /** Whether a place is revoked; so is one of a list that is not in use, which nothing unexpired refers to. */
  isRevoked({ list: id, index }: StatusReference): boolean {
    const list = this.lists.get(id)
    if (!list || index >= list.size) return true
    return ((list.bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  }
}

function setBit({ bits, size }: BoardList, index: number): void {
  if (index < size) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
}

function setBits(list: BoardList, from: number, to: number): void {
  let index = from
  for (; index <= to && index % 8 !== 0; index++) setBit(list, index)
  for (; index + 7 <= to && index + 7 < list.size; index += 8) list.bits[index >> 3] = 0xff
  for (; index <= to; index++) setBit(list, index)
}
