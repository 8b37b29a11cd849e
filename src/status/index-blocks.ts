import { randomFillSync } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { minute } from '../lib/durations.ts'
import { randomId } from '../lib/ids.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'
import { InvalidClientError } from '../protocol/errors.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { StatusReference } from '../store/status-change.ts'
import { type ListKind, type StatusBlock, sessionsOwner } from '../store/status-table.ts'
import type { Store, StoreTransaction } from '../store/store.ts'

/** How long a block is given out from, in milliseconds; what is left of it then is lost. */
export const blockLife = 15 * minute

/** What clocks may differ by, in milliseconds. */
const skew = 5 * minute

/** How many places a block has: few for an owner that needs few, and more the faster they go. */
const leastPlaces = 64
export const mostPlaces = 16_384

/** Until when something of this life may refer to a block that is reserved now; all in milliseconds. */
export function blockNeededUntil(now: number, life: number): number {
  return now + 2 * blockLife + life + skew
}

/** How often a place is looked for before somebody is asked to come again. */
const attempts = 8

/** How many reservations share a transaction at most. */
const largestGroup = 64

export interface IndexBlocksOptions {
  readonly store: Store
  /** The process's own clock, for ages. */
  readonly clock: Clock
  /** How many places a new list has. */
  readonly listSize: number
}

/** A place, and the block that it comes from. */
export interface HeldPlace {
  readonly place: StatusReference
  readonly block: StatusBlock
}

/** What a place is wanted for. */
interface Want {
  readonly kind: ListKind
  readonly owner: string
  /** How long something may refer to it from now on, in milliseconds. */
  readonly life: number
  readonly client?: ClientRecord
}

interface HeldBlock extends StatusBlock {
  /** The offsets of the places, in an order that nobody can guess. */
  readonly order: Uint16Array
  given: number
  readonly reservedAt: number
  readonly life: number
  /** The client's `tokensVoidUntil` when it was reserved; blocks from before a client's end are revoked. */
  readonly voidUntil: number
}

/** A reservation that is asked for. */
interface Asking {
  readonly pool: Pool
  readonly want: Want
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface Pool {
  readonly blocks: HeldBlock[]
  reserving: Promise<void> | undefined
  waiting: number
  size: number
  life: number
  reservedAt: number
}

/**
 * Gives out places of the status lists, from blocks that were durably reserved before, so that issuing a token writes
 * no row. A crash loses what is left of the blocks and nothing else.
 */
export class IndexBlocks {
  readonly #options: IndexBlocksOptions
  readonly #pools = new Map<string, Pool>()
  #asking: Asking[] = []
  #isRunning = false

  constructor(options: IndexBlocksOptions) {
    this.#options = options
  }

  /** A place for one token of a client itself. Waits only for the first block. `life` is in milliseconds. */
  forClient(client: ClientRecord, life: number): HeldPlace | Promise<HeldPlace> {
    return this.#take({ kind: 'client', owner: client.id, life, client })
  }

  /** A place for the tokens of a session; whether its block is still held is to be asked when it is written. */
  forSession(life: number): HeldPlace | Promise<HeldPlace> {
    return this.#take({ kind: 'session', owner: sessionsOwner, life })
  }

  /** Gives no more out of any block: they may have been revoked. */
  forgetAll(): void {
    this.#pools.clear()
  }

  /** Lets go of the blocks that are too old to be used. */
  forgetOld(): void {
    for (const [owner, { blocks, reserving }] of this.#pools) {
      if (!reserving && blocks.every((block) => this.#isOld(block))) this.#pools.delete(owner)
    }
  }

  #take(want: Want): HeldPlace | Promise<HeldPlace> {
    const pool = this.#pool(want.owner)
    const block = this.#usable(pool, want)
    if (!block) return this.#wait(pool, want)
    const place = give(block)
    // Ahead of need; whoever finds nothing left meets the reason why it failed.
    if (pool.blocks.length < 2 && block.given * 2 >= block.size)
      this.#reserve(pool, want).catch(() => undefined)
    return place
  }

  async #wait(pool: Pool, want: Want): Promise<HeldPlace> {
    pool.waiting++
    try {
      for (let attempt = 1; attempt <= attempts; attempt++) {
        await this.#reserve(pool, want)
        const block = this.#usable(pool, want)
        if (block) return give(block)
      }
    } finally {
      pool.waiting--
    }
    throw new UnavailableError('No place of a status list could be had in time.')
  }

  #pool(owner: string): Pool {
    const known = this.#pools.get(owner)
    if (known) return known
    const pool = { blocks: [], reserving: undefined, waiting: 0, size: leastPlaces, life: 0, reservedAt: 0 }
    this.#pools.set(owner, pool)
    return pool
  }

  #usable({ blocks }: Pool, { life, client }: Want): HeldBlock | undefined {
    for (let block = blocks[0]; block; block = blocks[0]) {
      const isGood =
        block.given < block.size &&
        block.life >= life &&
        block.voidUntil >= (client?.tokensVoidUntil ?? 0) &&
        !this.#isOld(block)
      if (isGood) return block
      blocks.shift()
    }
    return undefined
  }

  /** A clock that was set back says nothing of the age. */
  #isOld({ reservedAt }: HeldBlock): boolean {
    return Math.abs(this.#options.clock.now() - reservedAt) >= blockLife
  }

  #reserve(pool: Pool, want: Want): Promise<void> {
    pool.life = Math.max(pool.life, want.life)
    pool.reserving ??= this.#fetch(pool, want).finally(() => {
      pool.reserving = undefined
    })
    return pool.reserving
  }

  #fetch(pool: Pool, want: Want): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#asking.push({ pool, want, resolve, reject })
      if (this.#isRunning) return
      this.#isRunning = true
      void this.#run()
    })
  }

  /** All that ask at the same time share a transaction: the open list is one row, for which they would wait. */
  async #run(): Promise<void> {
    // Whatever else asks in this turn of the event loop joins.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#asking.length > 0) {
      const group = this.#asking.splice(0, largestGroup)
      try {
        const settle = await this.#reserveGroup(group)
        for (const each of settle) each()
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.#isRunning = false
  }

  async #reserveGroup(group: readonly Asking[]): Promise<readonly (() => void)[]> {
    const reservedAt = this.#options.clock.now()
    return this.#options.store.transaction(async (tx) => {
      const settled: (() => void)[] = []
      for (const asking of group) settled.push(await this.#reserveOne(tx, asking, reservedAt))
      return settled
    })
  }

  /** @returns what to do once it is committed. */
  async #reserveOne(tx: StoreTransaction, asking: Asking, reservedAt: number): Promise<() => void> {
    const { pool, want, resolve, reject } = asking
    const { kind, owner, client } = want
    const { life } = pool
    const registered = client && (await tx.clients.findById(client.id))
    if (client && registered?.disabledAt !== null) return () => reject(new InvalidClientError())
    const size = chooseSize(pool, reservedAt)
    const block = await tx.status.reserve({
      kind,
      owner,
      size,
      listSize: this.#options.listSize,
      newList: randomId('lst'),
      neededUntil: blockNeededUntil(tx.now, life),
    })
    const voidUntil = registered?.tokensVoidUntil ?? 0
    return () => {
      pool.size = size
      pool.reservedAt = reservedAt
      pool.blocks.push({ ...block, order: shuffle(block.size), given: 0, reservedAt, life, voidUntil })
      resolve()
    }
  }
}

function give(block: HeldBlock): HeldPlace {
  const index = block.start + (block.order[block.given] ?? 0)
  block.given++
  return { place: { list: block.list, index }, block }
}

/** Twice as many when the last ones went fast, half as many when they went slowly, and enough for all who wait. */
function chooseSize({ size, waiting, reservedAt }: Pool, now: number): number {
  const elapsed = now - reservedAt
  const adapted = elapsed < blockLife / 8 ? size * 2 : elapsed > blockLife / 2 ? size / 2 : size
  return Math.min(mostPlaces, Math.max(leastPlaces, adapted, 2 * waiting))
}

/** The numbers below `size` in a random order (Fisher and Yates). */
function shuffle(size: number): Uint16Array {
  const order = Uint16Array.from({ length: size }, (_, index) => index)
  const random = randomFillSync(new Uint32Array(size))
  for (let last = size - 1; last > 0; last--) {
    // The bias of the remainder is a millionth, and nothing rests on it.
    const chosen = (random[last] ?? 0) % (last + 1)
    const moved = order[last] ?? 0
    order[last] = order[chosen] ?? 0
    order[chosen] = moved
  }
  return order
}
