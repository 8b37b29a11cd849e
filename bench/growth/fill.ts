import { createHash, randomBytes } from 'node:crypto'
import type BetterSqlite3 from 'better-sqlite3'
import { day } from '../../src/lib/durations.ts'
import { randomId, randomToken } from '../../src/lib/ids.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { sessionsOwner } from '../../src/store/status-table.ts'
import { openStore } from '../../src/store/store.ts'

const Sqlite = loadSqliteDriver()

/** Of the lists and blocks, as the server has them once sessions begin quickly. */
const listSize = 1_048_576
const blockSize = 16_384

/** How many sessions a user has. */
export const sessionsOfUser = 4

/** KiB of memory for the pages that are being filled. */
const fillCache = 3_000_000

export interface Filling {
  readonly path: string
  readonly sessions: number
  /** From which the handles follow, so that none need be kept. */
  readonly seed: string
  /** How many of them, the first ones, expired so long ago that they are to be deleted. */
  readonly expired?: number
}

/** What a filling took: bytes of the file for each row, and seconds. */
export interface Filled {
  readonly bytesPerUser: number
  readonly bytesPerSession: number
  readonly seconds: number
  /** The id of the key that refresh tokens are made with. */
  readonly macKey: number
}

interface StatusPlace {
  readonly list: string
  readonly index: number
}

/** The handle of the session of this number: 16 bytes in base64url. */
export function handleOf(seed: string, number: number): string {
  return createHash('sha256').update(`${seed} ${number}`).digest().toString('base64url', 0, 16)
}

/**
 * Writes users and sessions as the server writes them: every column, ids of the same length, random where they are, places of real
 * blocks of the status lists, each session refreshed once. Only their audit rows are missing: those are kept by time, whatever lives.
 * The database is not served meanwhile.
 */
export async function fill({ path, sessions, seed, expired = 0 }: Filling): Promise<Filled> {
  const began = performance.now()
  const places = await reservePlaces(path, sessions)
  const database = new Sqlite(path)
  try {
    // A world that is not finished is thrown away; a page of an index on random columns is then written once, not for every commit.
    database.pragma('journal_mode = MEMORY')
    database.pragma('synchronous = OFF')
    database.pragma(`cache_size = -${fillCache}`)
    const before = sizeOf(database)
    const users = writeUsers(database, Math.ceil(sessions / sessionsOfUser))
    const between = sizeOf(database)
    writeSessions(database, { sessions, seed, expired, users, places })
    const after = sizeOf(database)
    database.pragma('journal_mode = WAL')
    return {
      bytesPerUser: (between - before) / users.length,
      bytesPerSession: (after - between) / sessions,
      seconds: (performance.now() - began) / 1_000,
      macKey: readMacKey(database),
    }
  } finally {
    database.close()
  }
}

async function reservePlaces(path: string, sessions: number): Promise<(number: number) => StatusPlace> {
  const store = await openStore({ url: `sqlite:${path}` })
  const blocks: {
    readonly list: string
    readonly start: number
    readonly size: number
    readonly from: number
  }[] = []
  try {
    for (let reserved = 0; reserved < sessions; ) {
      const block = await store.transaction((tx) =>
        tx.status.reserve({
          kind: 'session',
          owner: sessionsOwner,
          size: Math.min(blockSize, sessions - reserved),
          listSize,
          newList: randomId('lst'),
          neededUntil: tx.now + 90 * day,
        }),
      )
      blocks.push({ ...block, from: reserved })
      reserved += block.size
    }
    await store.sequenceStatus()
  } finally {
    await store.close()
  }
  let current = 0
  return (number) => {
    while (number >= (blocks[current + 1]?.from ?? Number.POSITIVE_INFINITY)) current++
    const { list, start, from } = blocks[current] ?? { list: '', start: 0, from: 0 }
    return { list, index: start + number - from }
  }
}

/** Copies of the one user that the installation has, each with a name and an address of its own; says their ids. */
function writeUsers(database: BetterSqlite3.Database, count: number): readonly string[] {
  const model = database.prepare('SELECT * FROM users LIMIT 1').get() as Readonly<Record<string, unknown>>
  const insert = prepareInsert(database, 'users', Object.keys(model))
  const ids: string[] = []
  const write = database.transaction(() => {
    while (ids.length < count) {
      const id = randomId('usr')
      const email = `somebody${ids.length}@example.com`
      insert.run({ ...model, id, username: `somebody${ids.length}`, email, email_key: email })
      ids.push(id)
    }
  })
  write()
  return ids
}

function writeSessions(
  database: BetterSqlite3.Database,
  filling: Required<Pick<Filling, 'sessions' | 'seed' | 'expired'>> & {
    readonly users: readonly string[]
    readonly places: (number: number) => StatusPlace
  },
): void {
  const { sessions, seed, expired, users, places } = filling
  const { id: client } = database.prepare('SELECT id FROM clients').get() as { readonly id: string }
  const { audience, scopes } = database.prepare('SELECT audience, scopes FROM apis').get() as {
    readonly audience: string
    readonly scopes: string
  }
  const macKey = readMacKey(database)
  const scope = JSON.parse(scopes).join(' ')
  const columns = database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .pluck()
    .all('sessions') as string[]
  const insert = prepareInsert(database, 'sessions', columns)
  const now = Date.now()
  const write = database.transaction(() => {
    for (let number = 0; number < sessions; number++) {
      const place = places(number)
      const age = number < expired ? 30 * day : Math.floor(Math.random() * day)
      const rotatedAt = now - age
      insert.run({
        handle: handleOf(seed, number),
        sid: randomId('ses'),
        client,
        user: users[randomBelow(users.length)],
        scope,
        audience,
        generation: 1,
        mac_key: macKey,
        rotated_at: rotatedAt,
        retry_key: null,
        attempt: randomToken(12),
        created_at: rotatedAt - 900_000,
        idle_expires_at: rotatedAt + 7 * day,
        expires_at: rotatedAt - 900_000 + 90 * day,
        ended_at: null,
        end_reason: null,
        status_list: place.list,
        status_index: place.index,
      })
    }
  })
  write()
}

/** The id of the key that signs refresh tokens now. */
function readMacKey(database: BetterSqlite3.Database): number {
  return Number(database.prepare("SELECT id FROM mac_keys WHERE state = 'current'").pluck().get())
}

/** @throws when a column is not given, so that what a migration adds is not forgotten here. */
function prepareInsert(
  database: BetterSqlite3.Database,
  table: string,
  columns: readonly string[],
): BetterSqlite3.Statement<[Record<string, unknown>]> {
  const names = columns.map((column) => `"${column}"`)
  const values = columns.map((column) => `@${column}`)
  return database.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${values.join(', ')})`)
}

function sizeOf(database: BetterSqlite3.Database): number {
  const pages = Number(database.pragma('page_count', { simple: true }))
  return pages * Number(database.pragma('page_size', { simple: true }))
}

function randomBelow(limit: number): number {
  return randomBytes(6).readUIntBE(0, 6) % limit
}
