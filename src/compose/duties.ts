import type { Config } from '../config.ts'
import type { Logger } from '../events/log.ts'
import { createRetention, createTrail } from '../keys/audit-keys.ts'
import type { Vault } from '../keys/vault.ts'
import { Sweeper } from '../sessions/sweeper.ts'
import type { AuditTrail } from '../store/audit/audit-trail.ts'
import type { AuditRetention } from '../store/audit/retention.ts'
import type { Store } from '../store/store.ts'

export interface DutiesOptions {
  readonly config: Config
  readonly store: Store
  readonly vault: Vault
  readonly logger: Logger
  readonly onError: (error: unknown) => void
  /** Whether another process of this server does them, and this one only stamps its audit rows. */
  readonly areElsewhere?: boolean
}

/** What one process of a server does for all of it: the audit trail and its mark, and deleting what is old. */
export class Duties {
  readonly #areElsewhere: boolean
  readonly #trail: AuditTrail
  readonly #sweeper: Sweeper
  readonly #retention: AuditRetention

  constructor({ config, store, vault, logger, onError, areElsewhere = false }: DutiesOptions) {
    const onWarning = (message: string) => logger.warn({ event: 'high_water_mark.missing', message })
    this.#areElsewhere = areElsewhere
    this.#trail = createTrail(vault, config, { store, onError, onWarning })
    this.#sweeper = new Sweeper(store, onError)
    this.#retention = createRetention(vault, config, {
      store,
      trail: this.#trail,
      onError: (error) => logger.error({ event: 'audit.not_pruned', err: error }),
    })
  }

  /**
   * Refuses a database that was taken back in time, before anything changes in it.
   * @throws {OldDatabaseError} {MarkError} {VaultError}
   */
  async begin(): Promise<void> {
    if (this.#areElsewhere) await this.#trail.open()
    else await this.#trail.begin()
  }

  start(): void {
    if (this.#areElsewhere) {
      this.#trail.followKey()
      return
    }
    this.#sweeper.start()
    this.#retention.start()
    this.#trail.follow()
  }

  /** Deletes nothing more. */
  async rest(): Promise<void> {
    await this.#sweeper.close()
    await this.#retention.close()
  }

  /** Seals what is left; to be called when nothing writes audit rows any more. */
  async close(): Promise<void> {
    await this.#trail.close()
  }
}
