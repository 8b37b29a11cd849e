import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'

const require = createRequire(import.meta.url)

/** The first release of Node that better-sqlite3 13 runs on. */
const newDriverFrom = 22

/**
 * Loads SQLite for this release of Node. No one version of better-sqlite3 serves them all: 13 ends the process on
 * Node 20, and 12, compiled for Node 24.19 or later, ends it as soon as a statement is collected while no script runs
 * (nodejs/node#65446).
 */
export function loadSqliteDriver(): typeof BetterSqlite3 {
  const release = Number(process.versions.node.split('.')[0])
  return release >= newDriverFrom ? require('better-sqlite3-13') : require('better-sqlite3')
}
