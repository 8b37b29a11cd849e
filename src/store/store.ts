import type { Knex } from 'knex'
import { type Event, type EventSink, isAudited } from '../events/event.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { unwatched, type Watch } from '../lib/watch.ts'
import { Attempts } from './attempts.ts'
import { type AuditKey, Stamps } from './audit/seal.ts'
import { PostgresSealing, type Sealing, type SealOutcome, SqliteSealing } from './audit/sealing.ts'
import { Availability } from './availability.ts'
import { ChangeFeed, type Topic } from './change-feed.ts'
import { CountClient } from './count-client.ts'
import { type Database, type DatabaseOptions, openDatabase } from './database.ts'
import { readNow } from './database-time.ts'
import { StoreUnavailableError, toStoreError } from './errors.ts'
import { migrate } from './migrate.ts'
import { PostgresRedeemer } from './postgres-redeemer.ts'
import type { Decide, Redeemer } from './redeemer.ts'
import { SecretTable } from './secret-table.ts'
import { SqliteRedeemer } from './sqlite-redeemer.ts'
import { StatusLog, type StatusPosition } from './status-log.ts'
import { Tables } from './tables.ts'

export interface StoreOptions extends DatabaseOptions {
  /** `sqlite:PATH`, `postgres://…` or `cockroachdb://…`. */
  readonly url: string
  /** Stands in for the database's clock. */
  readonly clock?: Clock
  /** Takes each event after its commit. */
  readonly onEvent?: EventSink
  /** Watches each transaction, its waits and repetitions included. */
  readonly watch?: Watch
}

/** One transaction. What it records is told only when it has been committed. */
export class StoreTransaction extends Tables {
  /** The database's time, in milliseconds since the epoch. */
  readonly now: number
  readonly #events: Event[] = []
  readonly #topics = new Set<Topic>()

  constructor(query: Knex, stamps: Stamps, now: number) {
    super(query, stamps)
    this.now = now
  }

  /** Writes the audit rows of those events that have one, and tells all of them after the commit. */
  async record(...events: readonly Event[]): Promise<void> {
    await this.audit.append(events.filter(isAudited), this.now)
    this.#events.push(...events)
  }

  /** Lets every process know, after the commit, that what it remembers of the topic is out of date. */
  changed(topic: Topic): void {
    this.#topics.add(topic)
  }

  get events(): readonly Event[] {
    return this.#events
  }

  get topics(): ReadonlySet<Topic> {
    return this.#topics
  }
}

/** The database: its tables, its transactions, and what changes in it. */
export class Store extends Tables {
  readonly changes: ChangeFeed
  readonly availability: Availability
  readonly #database: Database
  readonly #clock: Clock | undefined
  readonly #sink: EventSink
  readonly #watch: Watch
  readonly #redeemer: Redeemer
  readonly #sealing: Sealing
  readonly #stamps: Stamps
  #findKey: () => Promise<AuditKey | undefined> = async () => undefined
  #hasAudited = false
  readonly #attempts: Attempts

  constructor(database: Database, options: StoreOptions) {
    const stamps = new Stamps()
    super(database.knex, stamps)
    this.#stamps = stamps
    this.#database = database
    this.#clock = options.clock ?? (database.engine === 'sqlite' ? systemClock : undefined)
    this.#sink = options.onEvent ?? (() => undefined)
    this.#watch = options.watch ?? unwatched
    const clock = this.#clock ?? systemClock
    this.availability = new Availability(clock)
    this.#attempts = new Attempts(database, this.availability, () => this.now())
    this.changes = new ChangeFeed(database)
    const onRevocation = () => this.changes.tell('status')
    this.#redeemer =
      database.engine === 'sqlite'
        ? new SqliteRedeemer(database, this.availability, this.#sink, () => clock.now(), stamps, onRevocation)
        : new PostgresRedeemer({
            database,
            attempts: this.#attempts,
            availability: this.availability,
            sink: this.#sink,
            clock: this.#clock,
            stamps,
            onRevocation,
          })
    this.#sealing =
      database.engine === 'sqlite'
        ? new SqliteSealing(database)
        : new PostgresSealing(database.knex, (run) =>
            this.#attempts.run(run, { isolation: 'read committed' }),
          )
  }

  /** The file that was made for it just now; undefined when it was there. */
  get newFile(): string | undefined {
    return this.#database.isNew ? this.#database.location : undefined
  }

  /** For counting on the database, where several nodes may share it; undefined where one process has it. */
  get counts(): CountClient | undefined {
    return this.#database.engine === 'postgres' ? new CountClient(this.#database) : undefined
  }

  /** The database's time, in milliseconds since the epoch. */
  now(): Promise<number> {
    return this.#now(this.#database.knex)
  }

  /** From now on this process accepts requests. */
  async beginServing(): Promise<void> {
    const asked = this.availability.steady()
    this.availability.begin(await this.now(), asked)
  }

  /** See {@link Redeemer.redeem}. */
  redeem<Outcome>(handle: string, decide: Decide<Outcome>): Promise<Outcome> {
    return this.#watch('redemption', () => this.#redeemer.redeem(handle, decide))
  }

  /**
   * Runs `work` in one transaction, again when it lost against another, and tells its events after the commit.
   * @throws {StoreUnavailableError} when the database cannot be used.
   */
  async transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    // Before the transaction, for finding the key may take a file, and making the first one a statement.
    this.#stamps.key ??= await this.#findKey()
    const run = async (trx: Knex.Transaction) => {
      const tx = new StoreTransaction(trx, this.#stamps, await this.#now(trx))
      const result = await work(tx)
      return { result, tx, stepped: await this.changes.step(trx, tx.topics) }
    }
    const { result, tx, stepped } = await this.#watch('transaction', () =>
      // What it has read must still be so when it commits.
      this.#attempts.run(run, { isolation: 'serializable' }),
    )
    this.changes.announce(stepped)
    if (tx.statusLog.hasAppended) await this.changes.tellStatus()
    for (const event of tx.events) this.#sink(event)
    if (tx.events.some(isAudited)) this.#hasAudited = true
    return result
  }

  /**
   * Runs `work` in a transaction for the sealed keys alone. It records nothing, and so needs no key of the audit trail,
   * which may be what it is there to keep.
   * @throws {DuplicateError} when there is such a row; {StoreUnavailableError} when the database cannot be used.
   */
  withSecrets<T>(work: (secrets: SecretTable) => Promise<T>): Promise<T> {
    return this.#attempts.run((trx) => work(new SecretTable(trx)), { isolation: 'serializable' })
  }

  /**
   * Lets `find` tell, before the first transaction, the key that audit rows are stamped with. Rows that are written
   * while it finds none carry no stamp.
   */
  stampWith(find: () => Promise<AuditKey | undefined>): void {
    this.#findKey = find
  }

  /** From now on audit rows are stamped with this key. */
  useAuditKey(key: AuditKey): void {
    this.#stamps.key = key
  }

  /** Whether a transaction of this process has written audit rows; those of redemptions do not count. */
  get hasAudited(): boolean {
    return this.#hasAudited
  }

  /** Takes a batch of new audit rows into the chain. @throws {StoreUnavailableError} */
  async seal(key: AuditKey): Promise<SealOutcome> {
    try {
      return await this.#sealing.seal(key)
    } catch (error) {
      throw toStoreError(error)
    }
  }

  /** Tells an event that belongs to no transaction: it has a log line and no audit row. */
  tell(event: Event): void {
    this.#sink(event)
  }

  /**
   * Where the numbered status changes stand, once all that was committed before the call is numbered.
   * @throws {StoreUnavailableError} when the database cannot be used.
   */
  async sequenceStatus(): Promise<StatusPosition> {
    for (;;) {
      this.#database.checkPresence()
      const position = await this.statusLog.position().catch((error) => {
        throw toStoreError(error)
      })
      if (!position.isPending) return position
      // What is read once the row of the state is locked must be what is committed then.
      await this.#attempts.run(
        async (trx) => {
          await new StatusLog(trx).number()
          await this.changes.notify(trx)
        },
        { isolation: 'read committed' },
      )
    }
  }

  /** Whether the database can be read and written now. */
  async isUsable(): Promise<boolean> {
    try {
      // Writing what stands there takes the write lock and needs room in the log, as a real change would.
      await this.#attempts.run((trx) => trx('key_ring').where({ id: 1 }).update({ id: 1 }), {
        isolation: 'read committed',
      })
      return true
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    await this.changes.close()
    await this.#database.knex.destroy()
  }

  async #now(query: Knex): Promise<number> {
    return this.#clock ? this.#clock.now() : readNow(query)
  }
}

/**
 * Opens the database, brings its schema up to date, and watches it for changes.
 * @throws {SchemaError} when a newer version has written it; {StoreUnavailableError} when it cannot be used.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = openDatabase(options.url, options)
  const store = new Store(database, options)
  try {
    await bringUpToDate(database, options)
    await store.changes.start()
    return store
  } catch (error) {
    await store.close()
    const reason = toStoreError(error)
    if (!(reason instanceof StoreUnavailableError)) throw reason
    throw new StoreUnavailableError(`${database.location}: ${reason.message}`, { cause: reason })
  }
}

async function bringUpToDate(database: Database, options: StoreOptions): Promise<void> {
  if (database.engine === 'sqlite') {
    await migrate(database)
    return
  }
  // Whoever migrates may take longer than a request waits.
  const patient = openDatabase(options.url, { ...options, isPatient: true, pool: 1 })
  await migrate(patient).finally(() => patient.knex.destroy())
}
