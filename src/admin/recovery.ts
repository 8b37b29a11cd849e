import type { RingKeeper } from '../keys/ring-keeper.ts'
import { randomToken } from '../lib/ids.ts'
import { beginStatusEpoch } from '../status/epoch.ts'
import type { AuditTrail } from '../store/audit/audit-trail.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import { AdminError } from './admin-error.ts'

/** The two ways on after an old database was brought back. */
export type RecoveryWay = 'end_sessions' | 'accept_resurrection'

export interface RecoveryOptions {
  readonly store: Store
  readonly keeper: RingKeeper
  readonly trail: AuditTrail
}

/** Goes on with a database that was taken back in time. Throws {AdminError} for what cannot be done. */
export class Recovery {
  readonly #options: RecoveryOptions

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  /**
   * Takes the database as it is for the latest: as it is, or with everything ended that it ever issued. One
   * transaction, so that a crash leaves the old database or the recovered one.
   * @returns how many sessions were ended.
   */
  async recover(way: RecoveryWay): Promise<number> {
    const { store, keeper, trail } = this.#options
    await trail.open()
    const standing = await trail.judge()
    if (standing.kind === 'foreign') {
      throw new AdminError(
        `The high-water mark ${trail.markPath} is of another installation: delete it if this database is the right one.`,
      )
    }
    if (standing.kind === 'new' || standing.kind === 'current') {
      throw new AdminError(
        `There is nothing to recover: the database holds all that this node has seen (${trail.markPath}). ` +
          'To end all sessions and revoke all keys all the same: mintage keys revoke --all',
      )
    }
    const { chain } = standing
    const seen = standing.kind === 'old' ? standing.mark : undefined
    const epoch = randomToken(12)
    const begin = async (tx: StoreTransaction) => {
      await tx.auditChain.setEpoch(epoch)
      await tx.record({
        type: 'database.recovered',
        way,
        epoch,
        from: [...new Set([chain.epoch, ...(seen ? [seen.epoch] : [])])],
        sequence: chain.sequence,
        mark: seen?.sequence ?? null,
      })
    }
    let ended = 0
    if (way === 'accept_resurrection') {
      await store.transaction(async (tx) => {
        // Verifiers have heard of later changes than this database knows, and would take the next ones for known.
        await tx.statusLog.leapTo(tx.now)
        // And places that were given out and revoked since are free here, but refused by whoever heard of it.
        await tx.status.closeLists()
        await begin(tx)
      })
    } else {
      await keeper.revokeAll(async (tx) => {
        ended = await tx.sessions.end('all', 'database_recovered', tx.now)
        await tx.record({ type: 'sessions.revoked', reason: 'database_recovered', count: ended })
        await beginStatusEpoch(tx)
        await begin(tx)
      })
    }
    await trail.beginAnew()
    return ended
  }
}
