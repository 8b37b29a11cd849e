import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Event } from '../../src/events/event.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { SessionRecord } from '../../src/store/session-table.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { openStore, type Store } from '../../src/store/store.ts'

const Database = loadSqliteDriver()

/** A kind of database; each test opens one of its own, empty. */
export interface TestEngine {
  readonly name: string
  /** The one level that every transaction of the stores is to have. */
  readonly isolation?: 'serializable'
  open(): Promise<TestDatabase>
}

export interface TestDatabase {
  readonly url: string
  /** Makes the database unusable for those who are connected, until the function that it resolves to is called. */
  interrupt(): Promise<() => Promise<void>>
  drop(): Promise<void>
}

/** A file in a directory of its own. */
export const sqlite: TestEngine = {
  name: 'sqlite',
  async open() {
    const directory = mkdtempSync(join(tmpdir(), 'mintage-store-'))
    const file = join(directory, 'mintage.db')
    return {
      url: `sqlite:${file}`,
      async interrupt() {
        const other = new Database(file)
        other.exec('BEGIN IMMEDIATE')
        return async () => {
          other.close()
        }
      },
      async drop() {
        rmSync(directory, { recursive: true, force: true })
      },
    }
  },
}

export interface TestStores {
  readonly database: TestDatabase
  readonly store: Store
  /** What the first store told, in order. */
  readonly told: Event[]
  /** Opens another store on the same database. */
  another(onEvent?: (event: Event) => void): Promise<Store>
}

/** A store on a database of its own; after the test everything goes. */
export async function openTestStore(
  t: ExecutionContext,
  engine: TestEngine,
  clock?: Clock,
): Promise<TestStores> {
  const database = await engine.open()
  const open: Store[] = []
  t.teardown(async () => {
    for (const store of open) await store.close()
    await database.drop()
  })
  const another = async (onEvent: (event: Event) => void = () => undefined) => {
    const store = await openStore({
      url: database.url,
      onEvent,
      ...(clock && { clock }),
      ...(engine.isolation && { isolation: engine.isolation }),
    })
    open.push(store)
    return store
  }
  const told: Event[] = []
  return { database, store: await another((event) => told.push(event)), told, another }
}

/** A live session that nobody has refreshed, its handle and `sid` made from `name`. */
export function session(name: string, changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    handle: `handle-${name}`,
    sid: `ses_${name}`,
    client: 'cli_1',
    user: 'usr_1',
    scope: 'orders:read orders:write',
    audience: 'https://api.example',
    generation: 0,
    macKey: 4_294_967_295,
    rotatedAt: 1_700_000_000_000,
    retryKey: null,
    attempt: null,
    createdAt: 1_700_000_000_000,
    idleExpiresAt: 4_000_000_000_000,
    expiresAt: 4_000_000_000_000,
    endedAt: null,
    endReason: null,
    ...changes,
  }
}

export async function insertSession(store: Store, record: SessionRecord): Promise<void> {
  await store.transaction((tx) => tx.sessions.insert(record))
}
