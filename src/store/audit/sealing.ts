import type { Statement } from 'better-sqlite3'
import type { Knex } from 'knex'
import { type Database, withSqliteConnection } from '../database.ts'
import { isBusy } from '../errors.ts'
import { preparedStatements } from '../sqlite-statements.ts'
import { type AuditKey, genesisOf, type StampedText, sealRow } from './seal.ts'

/**
 * `sealed`: rows were, and there may be more. `nothing`: every row is. `busy`: another process writes now; try again
 * later. `other-key`: the chain has gone over to a key that this one is not.
 */
export type SealOutcome = 'sealed' | 'nothing' | 'busy' | 'other-key'

/** How many rows one transaction seals at most: more would hold the write lock for longer than a commit takes. */
const largestBatch = 256

interface Head {
  readonly installation: string
  readonly adopted: number
  readonly key: number | null
  readonly sequence: number
  readonly seal: string
}

interface Sealed {
  readonly id: number
  readonly sequence: number
  readonly seal: string
}

/** The places and seals of the rows that follow the head. */
function sealAll(key: AuditKey, head: Head, rows: readonly StampedText[]): readonly Sealed[] {
  let { sequence } = head
  let before = head.sequence === 0 ? genesisOf(head.installation, head.adopted) : head.seal
  return rows.map((row) => {
    sequence += 1
    before = sealRow(key, before, sequence, row)
    return { id: row.id, sequence, seal: before }
  })
}

/** Seals a batch of new rows, or says why not. */
export interface Sealing {
  seal(key: AuditKey): Promise<SealOutcome>
}

interface Statements {
  readonly head: Statement<[], Head>
  readonly pending: Statement<[number], StampedText>
  readonly place: Statement<[number, string, number]>
  readonly advance: Statement<[number, string]>
}

const statementsOf = preparedStatements(
  (connection): Statements => ({
    head: connection.prepare(
      'SELECT installation, adopted, key, sequence, seal FROM audit_chain WHERE id = 1',
    ),
    pending: connection.prepare(
      'SELECT id, at, type, data, stamp FROM audit WHERE sequence IS NULL ORDER BY id LIMIT ?',
    ),
    place: connection.prepare('UPDATE audit SET sequence = ?, seal = ? WHERE id = ?'),
    advance: connection.prepare('UPDATE audit_chain SET sequence = ?, seal = ? WHERE id = 1'),
  }),
)

/**
 * On SQLite: one short, synchronous transaction under the write lock, through prepared statements. It never waits for
 * the lock, since whoever redeems would wait behind it for the one connection.
 */
export class SqliteSealing implements Sealing {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async seal(key: AuditKey): Promise<SealOutcome> {
    this.#database.checkPresence()
    return withSqliteConnection(this.#database.knex, (connection) => {
      const statements = statementsOf(connection)
      try {
        statements.begin.run()
        const outcome = sealUnderLock(statements, key)
        statements[outcome === 'sealed' ? 'commit' : 'rollback'].run()
        return outcome
      } catch (error) {
        if (connection.inTransaction) statements.rollback.run()
        if (isBusy(error)) return 'busy'
        throw error
      }
    })
  }
}

function sealUnderLock(statements: Statements, key: AuditKey): SealOutcome {
  const head = statements.head.get()
  if (head?.key !== key.id) return 'other-key'
  const sealed = sealAll(key, head, statements.pending.all(largestBatch))
  const last = sealed.at(-1)
  if (!last) return 'nothing'
  for (const { id, sequence, seal } of sealed) statements.place.run(sequence, seal, id)
  statements.advance.run(last.sequence, last.seal)
  return 'sealed'
}

type RunTransaction = <T>(run: (trx: Knex.Transaction) => Promise<T>) => Promise<T>

/** Undoes a batch whose rows are no longer what was read. */
class LostError extends Error {
  override readonly name = 'LostError'
}

/**
 * On PostgreSQL: reads and computes outside, then compares and swaps the head in a transaction of two statements, so
 * that of several nodes one seals at a time and none waits for another.
 */
export class PostgresSealing implements Sealing {
  readonly #knex: Knex
  readonly #transaction: RunTransaction

  constructor(knex: Knex, transaction: RunTransaction) {
    this.#knex = knex
    this.#transaction = transaction
  }

  async seal(key: AuditKey): Promise<SealOutcome> {
    const head = await this.#knex<Head & { id: number }>('audit_chain').where({ id: 1 }).first()
    if (head?.key !== key.id) return 'other-key'
    const rows = await this.#knex<StampedText & { sequence: number | null }>('audit')
      .whereNull('sequence')
      .orderBy('id')
      .limit(largestBatch)
      .select('id', 'at', 'type', 'data', 'stamp')
    const sealed = sealAll(key, head, rows)
    const last = sealed.at(-1)
    if (!last) return 'nothing'
    try {
      await this.#transaction((trx) => write(trx, head, sealed, last))
      return 'sealed'
    } catch (error) {
      if (error instanceof LostError) return 'busy'
      throw error
    }
  }
}

async function write(trx: Knex.Transaction, head: Head, sealed: readonly Sealed[], last: Sealed) {
  const { sequence, seal, key } = head
  const moved = await trx('audit_chain')
    .where({ id: 1, sequence, seal, key })
    .update({ sequence: last.sequence, seal: last.seal })
  if (moved !== 1) throw new LostError()
  const places = sealed.map(() => '(CAST(? AS bigint), CAST(? AS bigint), CAST(? AS text))').join(', ')
  const result = await trx.raw<{ rowCount: number }>(
    `UPDATE audit SET sequence = v.column2, seal = v.column3 FROM (VALUES ${places}) AS v
     WHERE audit.id = v.column1 AND audit.sequence IS NULL`,
    sealed.flatMap((row) => [row.id, row.sequence, row.seal]),
  )
  if (result.rowCount !== sealed.length) throw new LostError()
}
