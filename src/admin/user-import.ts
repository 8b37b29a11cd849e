import { DuplicateError } from '../store/errors.ts'
import type { Store } from '../store/store.ts'
import { takeUsers } from './user-batch.ts'
import type { UserCandidate, UserRow } from './user-row.ts'

export interface UserImportOptions {
  /** Whether a user who is there already gets what the row says; otherwise the row is skipped. */
  readonly update: boolean
  /** Whether nothing is written. */
  readonly dryRun: boolean
  /** Told of each row that is refused, and why. */
  readonly onRefused: (place: string, problem: string) => void
  /** Told of the counts now and then. */
  readonly onProgress: (counts: ImportCounts) => void
}

/** How many rows came to what. */
export interface ImportCounts {
  readonly created: number
  readonly updated: number
  /** Already as the row says. */
  readonly unchanged: number
  /** There already, and not to be updated. */
  readonly skipped: number
  readonly refused: number
}

/** What an import came to. */
export interface ImportResult extends ImportCounts {
  /** How many of the rows that were not refused came with a hash of which format; `none`: without a password. */
  readonly hashes: Readonly<Record<string, number>>
}

/** So many rows share a commit. */
const batchSize = 500

/** How often a batch is taken again when somebody else took one of its names meanwhile. */
const attempts = 5

/**
 * Takes users over from elsewhere, with their password hashes where a login can check them. A row that cannot be
 * taken is reported and the rest goes on. What was taken stays, and each user is known again, so that an import which
 * was broken off is run again from its start and loses and doubles nobody.
 */
export class UserImport {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** @throws {StoreUnavailableError} when the database cannot be used; the rows before it are in. */
  async run(rows: AsyncIterable<UserRow>, options: UserImportOptions): Promise<ImportResult> {
    // Loaded here, with every format of hashes: no server reads rows.
    const { readUserRow } = await import('./user-row.ts')
    const counts = { created: 0, updated: 0, unchanged: 0, skipped: 0, refused: 0 }
    const hashes: Record<string, number> = {}
    const refuse = (place: string, problem: string) => {
      counts.refused++
      options.onRefused(place, problem)
    }
    // What a dry run would have made by now, and the database does not have.
    const seen = new Set<string>()
    let batch: UserCandidate[] = []
    const flush = async () => {
      if (batch.length === 0) return
      for (const [at, outcome] of (await this.#take(batch, options, seen)).entries()) {
        const { place, hashFormat } = batch[at] ?? { place: '', hashFormat: '' }
        if (typeof outcome !== 'string') refuse(place, outcome.problem)
        else {
          counts[outcome]++
          hashes[hashFormat] = (hashes[hashFormat] ?? 0) + 1
        }
      }
      batch = []
      options.onProgress({ ...counts })
    }
    for await (const row of rows) {
      const candidate = readUserRow(row)
      if ('problem' in candidate) refuse(candidate.place, candidate.problem)
      else batch.push(candidate)
      if (batch.length === batchSize) await flush()
    }
    await flush()
    return { ...counts, hashes }
  }

  async #take(
    batch: readonly UserCandidate[],
    options: UserImportOptions,
    seen: Set<string>,
  ): Promise<Awaited<ReturnType<typeof takeUsers>>['outcomes']> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { outcomes, made } = await this.#store.transaction((tx) => takeUsers(tx, batch, options, seen))
        for (const name of made) seen.add(name)
        return outcomes
      } catch (error) {
        // Somebody made a user of one of these names at the same time: the next attempt finds them.
        if (!(error instanceof DuplicateError) || attempt === attempts) throw error
      }
    }
  }
}
