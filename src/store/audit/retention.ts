import { day, hour, second } from '../../lib/durations.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { UnavailableError } from '../../lib/unavailable-error.ts'
import type { Store } from '../store.ts'
import type { AuditKeys, AuditTrail } from './audit-trail.ts'
import type { ChainRecord } from './chain-record.ts'
import { genesisOf, signCheckpoint } from './seal.ts'

/** How many rows one transaction deletes at most. */
const batch = 500

export interface AuditRetentionOptions {
  readonly store: Pick<Store, 'transaction' | 'now'> & {
    readonly auditChain: Pick<Store['auditChain'], 'read' | 'sealed' | 'deleteUpTo'>
  }
  readonly trail: Pick<AuditTrail, 'open'>
  readonly keys: Pick<AuditKeys, 'load'>
  /** For how long rows are kept, in milliseconds; undefined: for ever. */
  readonly retention: number | undefined
  readonly onError: (error: unknown) => void
}

/** Old audit rows cannot be deleted, since they are not what was sealed. The message says which and what to do. */
export class RetentionError extends OperatorError {
  override readonly name = 'RetentionError'
}

/** `pruned`: a batch was, and there may be more. `lost`: another node was faster, and goes on. */
type Step = 'pruned' | 'nothing' | 'lost'

/**
 * Bounds the audit trail: what is older than the retention is verified, deleted in small batches from its beginning, and
 * replaced by a signed checkpoint from which the chain goes on. Several nodes may do it at once. It goes by whole
 * days, so that it leaves at most one row of its own a day and batch.
 */
export class AuditRetention {
  readonly #options: AuditRetentionOptions
  #complaint: string | undefined
  #timer: NodeJS.Timeout | undefined
  #step: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: AuditRetentionOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#options.retention !== undefined) this.#schedule(5 * second)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#step
  }

  /**
   * Deletes one batch.
   * @returns whether there may be more.
   * @throws {RetentionError} when what is old is not what was sealed: nothing of it is deleted.
   */
  async prune(): Promise<boolean> {
    const { store, retention } = this.#options
    if (retention === undefined) return false
    const before = Math.floor(((await store.now()) - retention) / day) * day
    const chain = await store.auditChain.read()
    // What a process that was killed while it pruned has left behind its own checkpoint.
    if (chain.checkpoint && (await store.auditChain.deleteUpTo(chain.checkpoint.sequence)) > 0) return true
    return (await this.#cut(chain, before)) === 'pruned'
  }

  async #cut(chain: ChainRecord, before: number): Promise<Step> {
    const { store, trail, keys } = this.#options
    const { checkpoint, installation, adopted } = chain
    const from = checkpoint?.sequence ?? 0
    const rows = await store.auditChain.sealed(from, batch)
    const young = rows.findIndex((row) => row.at >= before || (row.sequence ?? 0) > chain.sequence)
    const old = young === -1 ? rows : rows.slice(0, young)
    const last = old.at(-1)
    if (!last || last.sequence === null || last.seal === null) return 'nothing'
    const { findKeyIn, hasBeenPruned, verifyTrail } = await import('./verification.ts')
    const { sequence, seal } = last
    const verdict = await verifyTrail(
      {
        read: async () => ({ ...chain, sequence, seal }),
        sealed: async (after) => old.filter((row) => (row.sequence ?? 0) > after),
        unsealed: async () => [],
        copiedStamps: async () => new Set(old.flatMap(({ stamp }) => stamp ?? [])),
      },
      findKeyIn(keys),
    )
    if (!verdict.intact && hasBeenPruned(chain, await store.auditChain.read())) return 'lost'
    if (!verdict.intact) throw refusal(verdict.findings.map(({ message }) => message))
    const key = await trail.open()
    return store.transaction(async (tx) => {
      const cut = signCheckpoint(key, { sequence, seal, at: tx.now }, genesisOf(installation, adopted))
      if (!(await tx.auditChain.moveCheckpoint(checkpoint, cut))) return 'lost'
      await tx.auditChain.deleteUpTo(sequence)
      await tx.record({ type: 'audit.pruned', before, sequence })
      return 'pruned'
    })
  }

  /** As {@link prune}; what goes wrong is told, once however often it is met. */
  async turn(): Promise<boolean> {
    try {
      const more = await this.prune()
      this.#complaint = undefined
      return more
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      // Once: it is tried again, and an outage is told by the requests that meet it.
      if (message !== this.#complaint && !(error instanceof UnavailableError)) this.#options.onError(error)
      this.#complaint = message
      return false
    }
  }

  #schedule(pause: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#step = this.turn().then((more) => this.#schedule(more ? second : hour))
    }, pause)
    this.#timer.unref()
  }
}

function refusal(findings: readonly string[]): RetentionError {
  return new RetentionError(
    `Old audit rows are not deleted, since they are not what was sealed: ${findings.slice(0, 3).join(' ')} ` +
      'See mintage audit verify.',
  )
}
