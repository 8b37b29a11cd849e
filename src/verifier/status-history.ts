import type { Moment } from './clock.ts'
import type { Tell } from './events.ts'
import type { Freshness } from './freshness.ts'
import type { StatusLists } from './status-lists.ts'
import type { Snapshot, StatusChange, StreamPosition } from './status-messages.ts'

/** What came does not fit what is known: only a snapshot helps. */
export class DoubtError extends Error {
  override readonly name = 'DoubtError'
}

export interface StatusHistoryOptions {
  readonly lists: StatusLists
  readonly freshness: Freshness
  readonly tell: Tell | undefined
  /** Keys were withdrawn, or there may be new ones. */
  readonly onKeys: (withdrawn: readonly string[], isHint: boolean) => void
}

/**
 * How far the issuer's changes are known. Versions are gapless within an epoch, and it never goes back: not to a lower
 * version, not to an epoch that is over.
 */
export class StatusHistory {
  readonly #options: StatusHistoryOptions
  readonly #endedEpochs = new Set<string>()
  #position: StreamPosition | undefined
  #isInDoubt = false
  /** Set by a rollback: the numbers of before say nothing about what came instead. */
  #mustReload = false
  /** As of when everything is known, once no list is behind. */
  #awaited: Moment | undefined

  constructor(options: StatusHistoryOptions) {
    this.#options = options
  }

  /** Where to resume; undefined when only a snapshot will do. */
  get position(): StreamPosition | undefined {
    return this.#isInDoubt || this.#mustReload ? undefined : this.#position
  }

  /** Every change up to it is known, of the lists that are not behind. */
  get version(): number {
    return this.#position?.version ?? 0
  }

  /** @throws {DoubtError} when it is older than what is known. */
  takeSnapshot({ epoch, version, lists, withdrawnKeys }: Snapshot): void {
    const known = this.#position
    if (this.#endedEpochs.has(epoch)) throw new DoubtError('The issuer showed an epoch that is over.')
    const continues = known?.epoch === epoch
    if (continues && version < known.version) {
      this.#mustReload = true
      this.#options.tell?.({ type: 'status.rolled-back', from: known.version, to: version })
      throw new DoubtError('The issuer showed an older version than before.')
    }
    if (known && !continues) {
      this.#endedEpochs.add(known.epoch)
      this.#options.tell?.({ type: 'status.epoch', epoch })
    }
    // What is known of one epoch is complete up to its position, and says nothing about another.
    const completeTo = continues ? known.version : -1
    this.#options.lists.announce(epoch, lists, { version, completeTo, force: this.#mustReload })
    this.#position = { epoch, version }
    this.#isInDoubt = false
    this.#mustReload = false
    this.#options.onKeys(withdrawnKeys, false)
    this.#holdBack()
    if (!this.#options.freshness.isHeldBack) this.#options.freshness.knowVaguely()
  }

  /** @throws {DoubtError} when the stream cannot go on from what is known. */
  resume({ epoch, version }: StreamPosition): void {
    if (epoch !== this.#position?.epoch || this.position === undefined) {
      throw this.#doubt('The issuer resumed what was not asked for.')
    }
    // An older one is fine: what was learned otherwise meanwhile is sent once more.
    if (version > this.#position.version) throw this.#doubt('The issuer resumed at a later version.')
  }

  /** @throws {DoubtError} when something between is missing. */
  takeChange(change: StatusChange, epoch: string): void {
    const known = this.#position
    if (!known || epoch !== known.epoch)
      throw this.#doubt('The issuer began another epoch without a snapshot.')
    const { version } = change
    if (version > known.version + 1) throw this.#doubt('The issuer left out a version.')
    const { lists } = this.#options
    // One that came before is taken once more: nothing is ever unset by it.
    if (change.type === 'revoked') lists.revoke(change.uri, change.ranges, version)
    else if (change.type === 'list') lists.create(change.uri, change)
    else if (change.type === 'retired') lists.retire(change.uri)
    else this.#options.onKeys(change.withdrawn, true)
    if (version > known.version) this.#position = { epoch, version }
    this.#holdBack()
  }

  /** Everything that was committed before that moment has been sent. */
  takeHeartbeat(version: number, asOf: Moment): void {
    if (!this.#position || version > this.#position.version) {
      throw this.#doubt('The issuer sent changes that did not arrive.')
    }
    this.know(asOf)
  }

  /** Everything up to this moment is known, as soon as the lists that are behind are there. */
  know(moment: Moment): void {
    this.#awaited = moment
    this.settle()
  }

  /** Some list may no longer be behind. */
  settle(): void {
    const { freshness } = this.#options
    this.#holdBack()
    if (freshness.isHeldBack || !this.#position) return
    if (this.#awaited) freshness.know(this.#awaited)
    else freshness.knowVaguely()
    this.#awaited = undefined
  }

  /** What arrives over a connection that broke vouches for nothing that comes after. */
  forgetAwaited(): void {
    this.#awaited = undefined
  }

  #holdBack(): void {
    this.#options.freshness.isHeldBack = !this.#options.lists.areCurrent
  }

  #doubt(message: string): DoubtError {
    this.#isInDoubt = true
    return new DoubtError(message)
  }
}
