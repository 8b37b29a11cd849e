import { statSync } from 'node:fs'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { createInstallation } from '../support/shared-installation.ts'
import { refreshTokenOf, TokenClient } from '../support/token-client.ts'

const Database = loadSqliteDriver()

export interface StorageOptions {
  readonly sessions: number
  /** How often each session is refreshed. */
  readonly rounds: number
}

/** What the database holds; bytes are those of the file, with nothing left in the log. */
export interface Storage {
  readonly rows: Readonly<Record<string, number>>
  readonly bytes: number
}

export interface StorageResult {
  /** When every session has been refreshed once, so that each row has all its values. */
  readonly before: Storage
  readonly after: Storage
  readonly refreshes: number
  readonly seconds: number
}

/** Refreshes sessions over and over through a server process, and measures the database before and after. */
export async function refreshOverAndOver(options: StorageOptions): Promise<StorageResult> {
  const installation = await createInstallation()
  const node = await installation.startChild()
  const client = new TokenClient(installation.service, 16)
  const tokens: string[] = []
  const work = Array.from({ length: 16 }, (_, index) => index)
  const round = async (): Promise<void> => {
    const refreshing = work.map(async (worker) => {
      for (let index = worker; index < tokens.length; index += work.length) {
        tokens[index] = refreshTokenOf(await client.refresh(node.url, tokens[index] ?? ''))
      }
    })
    await Promise.all(refreshing)
  }
  try {
    for (let count = 0; count < options.sessions; count++) {
      tokens.push(refreshTokenOf(await client.login(node.url, installation.username)))
    }
    await round()
    const before = measure(installation.databaseFile)
    const started = performance.now()
    for (let count = 0; count < options.rounds; count++) await round()
    const seconds = (performance.now() - started) / 1_000
    const after = measure(installation.databaseFile)
    return { before, after, refreshes: options.rounds * options.sessions, seconds }
  } finally {
    client.close()
    await node.end('SIGKILL')
    await installation.close()
  }
}

function measure(file: string): Storage {
  const database = new Database(file, { timeout: 5_000 })
  try {
    database.pragma('wal_checkpoint(TRUNCATE)')
    const tables = database
      .prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .all()
    const rows = tables.map(({ name }) => {
      const found = database.prepare<[], { count: number }>(`SELECT count(*) AS count FROM "${name}"`).get()
      return [name, found?.count ?? 0] as const
    })
    return { rows: Object.fromEntries(rows), bytes: statSync(file).size + statSync(`${file}-wal`).size }
  } finally {
    database.close()
  }
}
