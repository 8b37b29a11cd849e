import { second } from '../../lib/durations.ts'
import { UnavailableError } from '../../lib/unavailable-error.ts'
import type { Store } from '../store.ts'
import type { ChainRecord } from './chain-record.ts'
import type { HighWaterMark, Mark } from './high-water-mark.ts'
import { refusalOf, type Standing } from './old-database-error.ts'
import { type AuditKey, hasStamp, keyIdOf } from './seal.ts'

/** Where the keys of the trail are kept. Old ones stay there, for what they sealed. */
export interface AuditKeys {
  load(id: number): Promise<AuditKey>
  /** Makes a key that survives a power cut, and says its id. */
  make(): Promise<number>
  discard(id: number): Promise<void>
}

export interface AuditTrailOptions {
  readonly store: Pick<Store, 'auditChain' | 'seal' | 'useAuditKey' | 'hasAudited'>
  readonly keys: AuditKeys
  readonly mark: HighWaterMark
  readonly onError: (error: unknown) => void
  /** Told, in a sentence, what an operator should know though it stops nothing. */
  readonly onWarning: (message: string) => void
}

/** How long a row may wait for its seal, about; in milliseconds. */
const interval = second / 2

/** How often a batch is tried when other processes seal at the same time. */
const attempts = 20

/**
 * Seals the audit trail of one process and keeps the high-water mark of its node: every half a second in a server, at
 * the end in a command. Of several processes one seals at a time; whoever finds the work done has nothing to do.
 */
export class AuditTrail {
  readonly #options: AuditTrailOptions
  #key: AuditKey | undefined
  #seen: Mark | undefined
  #complaint: string | undefined
  #timer: NodeJS.Timeout | undefined
  #step: Promise<void> = Promise.resolve()
  #closed = false
  #sealsElsewhere = false

  constructor(options: AuditTrailOptions) {
    this.#options = options
  }

  get markPath(): string {
    return this.#options.mark.path
  }

  /**
   * Finds the key of the chain, making the first one, and lets the store stamp new rows with it.
   * @throws {VaultError} when it is missing, loose or corrupt, or cannot be kept.
   */
  async open(): Promise<AuditKey> {
    const { store, keys } = this.#options
    for (;;) {
      const { key } = await store.auditChain.read()
      if (key !== null) return this.#use(key)
      const made = await keys.make()
      if (!(await store.auditChain.setKey(null, made))) await keys.discard(made)
    }
  }

  /** As {@link open}, for a command that may be there to put the key right: without one its rows carry no stamp. */
  async openIfPossible(): Promise<AuditKey | undefined> {
    try {
      return await this.open()
    } catch (error) {
      this.#complain(error)
      return undefined
    }
  }

  /** How the database stands to the mark. @throws {MarkError} when the mark cannot be read. */
  async judge(): Promise<Standing> {
    const { store, mark } = this.#options
    const seen = await mark.read()
    const chain = await store.auditChain.read()
    if (!seen) return { kind: chain.sequence === 0 ? 'new' : 'unmarked', chain }
    if (seen.installation !== chain.installation) return { kind: 'foreign', chain, mark: seen }
    return (await this.#follows(chain, seen))
      ? { kind: 'current', chain }
      : { kind: 'old', chain, mark: seen }
  }

  /** @throws {OldDatabaseError} when the database is not the one that this node has seen last; {MarkError} */
  async refuseOld(): Promise<void> {
    const refusal = refusalOf(await this.judge(), this.markPath)
    if (refusal) throw refusal
  }

  /**
   * Refuses an old database, seals what a killed process left, and sees that the mark can be kept.
   * @throws {OldDatabaseError} {MarkError} {VaultError}
   */
  async begin(): Promise<void> {
    await this.open()
    const standing = await this.judge()
    const refusal = refusalOf(standing, this.markPath)
    if (refusal) throw refusal
    this.#warn(standing)
    await this.#seal()
    await this.#keep(await this.#options.store.auditChain.read(), true)
  }

  /** From now on new rows are sealed within a second. */
  follow(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#step = this.#turn().finally(() => this.follow())
    }, interval)
    this.#timer.unref()
  }

  /** As {@link follow}, where another process of this node seals and keeps the mark: this one goes by its key. */
  followKey(): void {
    this.#sealsElsewhere = true
    this.follow()
  }

  /** Seals what this process has recorded, and lets the mark follow if the database is not an old one. */
  async settle(): Promise<void> {
    if (!this.#options.store.hasAudited) return
    const standing = await this.judge()
    this.#warn(standing)
    await this.#seal()
    const refusal = refusalOf(standing, this.markPath)
    if (refusal) this.#options.onWarning(refusal.message)
    else await this.#keep(await this.#options.store.auditChain.read())
  }

  /** Seals everything and takes the database as it is for what this node has seen. */
  async beginAnew(): Promise<void> {
    await this.open()
    await this.#seal()
    const chain = await this.#options.store.auditChain.read()
    await this.#options.mark.write(toMark(chain))
  }

  /** Makes a new key: what follows is sealed with it, and a leaked or lost one can seal no more. Returns its id. */
  async rotateKey(): Promise<number> {
    const { store, keys } = this.#options
    const before = await store.auditChain.read()
    const made = await keys.make()
    if (!(await store.auditChain.setKey(before.key, made))) await keys.discard(made)
    return (await this.open()).id
  }

  /** Seals what is left, where the database still answers. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#step
    if (this.#seen) await this.#turn()
  }

  async #turn(): Promise<void> {
    try {
      const chain = await this.#options.store.auditChain.read()
      // What this process stamps with a key that was replaced would soon pass for a forgery.
      if (chain.key !== this.#key?.id) await this.open()
      if (this.#sealsElsewhere) return
      if (await this.#isTakenBack(chain)) return
      if (chain.isPending) await this.#seal()
      if (chain.isPending || chain.sequence !== this.#seen?.sequence || chain.epoch !== this.#seen.epoch) {
        await this.#keep(chain.isPending ? await this.#options.store.auditChain.read() : chain)
      }
      this.#complaint = undefined
    } catch (error) {
      // An outage is told by the requests that meet it.
      if (!(error instanceof UnavailableError)) this.#complain(error)
    }
  }

  /** A server that runs goes on, since refusing would end everybody's sessions; but it seals nothing more. */
  async #isTakenBack(chain: ChainRecord): Promise<boolean> {
    const seen = this.#seen
    if (!seen || (chain.epoch === seen.epoch && chain.sequence >= seen.sequence)) return false
    if (chain.installation === seen.installation && (await this.#follows(chain, seen))) return false
    const standing = {
      kind: chain.installation === seen.installation ? 'old' : 'foreign',
      chain,
      mark: seen,
    } as const
    this.#complain(refusalOf(standing, this.markPath))
    return true
  }

  async #seal(): Promise<void> {
    let key = this.#key ?? (await this.open())
    for (let attempt = 0; attempt < attempts; ) {
      const outcome = await this.#options.store.seal(key)
      if (outcome === 'nothing') return
      if (outcome === 'other-key') key = await this.open()
      if (outcome === 'busy' && this.#timer) return
      if (outcome === 'busy') await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20))
      if (outcome !== 'sealed') attempt++
    }
  }

  /** The mark only goes up: another process of this node may have seen more. */
  async #keep(chain: ChainRecord, always = false): Promise<void> {
    const { mark } = this.#options
    const kept = await mark.read()
    const isBehind = kept?.epoch !== chain.epoch || kept.sequence < chain.sequence
    if (always || isBehind) await mark.write(isBehind || !kept ? toMark(chain) : kept)
    this.#seen = toMark(chain)
  }

  /** Whether the chain holds the mark, or was recovered, on this node or another, from what the mark has seen. */
  async #follows(chain: ChainRecord, mark: Mark): Promise<boolean> {
    if (chain.epoch !== mark.epoch) return this.#wasRecoveredFrom(mark.epoch)
    if (mark.sequence > chain.sequence) return false
    if (mark.sequence === 0) return true
    if (mark.sequence === chain.sequence) return chain.seal === mark.seal
    const cut = chain.checkpoint
    if (cut && cut.sequence >= mark.sequence) return cut.sequence > mark.sequence || cut.seal === mark.seal
    const { auditChain } = this.#options.store
    if ((await auditChain.sealAt(mark.sequence)) === mark.seal) return true
    // Another node may have pruned the row since the chain was read.
    const now = await auditChain.read()
    return (now.checkpoint?.sequence ?? 0) > (cut?.sequence ?? 0) && this.#follows(now, mark)
  }

  async #wasRecoveredFrom(epoch: string): Promise<boolean> {
    for (const row of await this.#options.store.auditChain.ofType('database.recovered')) {
      const { from }: { readonly from?: readonly string[] } = JSON.parse(row.data)
      const id = keyIdOf(row.stamp)
      if (id === undefined || from?.includes(epoch) !== true) continue
      const key = await this.#options.keys.load(id).catch(() => undefined)
      if (key && hasStamp(key, row)) return true
    }
    return false
  }

  async #use(id: number): Promise<AuditKey> {
    if (this.#key?.id !== id) this.#key = await this.#options.keys.load(id)
    this.#options.store.useAuditKey(this.#key)
    return this.#key
  }

  #warn(standing: Standing): void {
    if (standing.kind !== 'unmarked') return
    this.#options.onWarning(
      `There was no high-water mark (${this.markPath}), so this node cannot tell whether the database was taken back in time; a new one is written. If it was brought back from a backup, run \`mintage recover --end-sessions\` before you serve.`,
    )
  }

  #complain(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    if (message !== this.#complaint) this.#options.onError(error)
    this.#complaint = message
  }
}

function toMark({ installation, epoch, sequence, seal }: ChainRecord): Mark {
  return { installation, epoch, sequence, seal }
}
