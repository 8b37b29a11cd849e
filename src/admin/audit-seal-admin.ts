import type { AuditKeys, AuditTrail } from '../store/audit/audit-trail.ts'
import type { Verdict } from '../store/audit/finding.ts'
import type { Mark } from '../store/audit/high-water-mark.ts'
import type { Standing } from '../store/audit/old-database-error.ts'
import type { Store } from '../store/store.ts'
import { AdminError } from './admin-error.ts'

/** What verification says, and where the chain stands to the high-water mark. */
export interface AuditVerdict extends Verdict {
  readonly mark: 'reached' | 'missing' | 'behind'
}

/** The seal of the audit trail: verifying it, bounding it, and its key. Every method throws {AdminError} for what cannot be done. */
export class AuditSealAdmin {
  readonly #store: Store
  readonly #trail: AuditTrail
  readonly #keys: AuditKeys

  constructor(options: { readonly store: Store; readonly trail: AuditTrail; readonly auditKeys: AuditKeys }) {
    this.#store = options.store
    this.#trail = options.trail
    this.#keys = options.auditKeys
  }

  /** Whether every row is there that was written, and tells what it told. Changes nothing. */
  async verify(): Promise<AuditVerdict> {
    const { findKeyIn, verifyTrail } = await import('../store/audit/verification.ts')
    const verdict = await verifyTrail(this.#store.auditChain, findKeyIn(this.#keys))
    const standing = await this.#trail.judge()
    if (standing.kind !== 'old' && standing.kind !== 'foreign') {
      return { ...verdict, mark: standing.kind === 'unmarked' ? 'missing' : 'reached' }
    }
    const findings = [
      ...verdict.findings,
      { problem: 'cut' as const, message: describe(standing, this.#trail.markPath) },
    ]
    return { ...verdict, intact: false, findings, mark: 'behind' }
  }

  /** From now on another key seals. Says its id. */
  async rotateKey(): Promise<number> {
    const id = await this.#trail.rotateKey()
    await this.#store.transaction((tx) => tx.record({ type: 'audit_key.rotated', id }))
    return id
  }

  /**
   * Deletes what is older than `before` (milliseconds since the epoch), and leaves a signed checkpoint in its place.
   * @returns how many rows were deleted.
   */
  async prune(before: number): Promise<number> {
    if (before > (await this.#store.now()))
      throw new AdminError('The time to prune before lies in the future.')
    const verdict = await this.verify()
    if (!verdict.intact) {
      throw new AdminError(
        'The audit trail is not intact, so nothing is deleted of it: see mintage audit verify.',
      )
    }
    const last = await this.#store.auditChain.lastBefore(before)
    if (!last) return 0
    const key = await this.#trail.open()
    const { genesisOf, signCheckpoint } = await import('../store/audit/seal.ts')
    const { installation, adopted, checkpoint } = await this.#store.auditChain.read()
    await this.#store.transaction(async (tx) => {
      const cut = signCheckpoint(key, { ...last, at: tx.now }, genesisOf(installation, adopted))
      if (
        last.sequence < (checkpoint?.sequence ?? 0) ||
        !(await tx.auditChain.moveCheckpoint(checkpoint, cut))
      )
        throw new AdminError('Another process has pruned the audit trail just now: run it again.')
      await tx.record({ type: 'audit.pruned', before, sequence: last.sequence })
    })
    let deleted = 0
    for (let step = 1; step > 0; deleted += step)
      step = await this.#store.auditChain.deleteUpTo(last.sequence)
    return deleted
  }
}

function describe(standing: Standing & { readonly mark: Mark }, path: string): string {
  const { chain, mark } = standing
  if (standing.kind === 'foreign')
    return `The high-water mark ${path} is of another installation, ${mark.installation}.`
  if (mark.epoch === chain.epoch && mark.sequence > chain.sequence) {
    return (
      `The tail was cut, or the database was taken back in time: this node has seen the rows up to place ` +
      `${mark.sequence} (${path}), and the chain ends at place ${chain.sequence}.`
    )
  }
  return `The chain does not hold the row at place ${mark.sequence} as this node has seen it (${path}): it was rewritten, or the database was taken back in time.`
}
