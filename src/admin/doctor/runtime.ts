import { type Finding, failure, ok, warning } from './finding.ts'

/** The first release of Node that Mintage runs on. */
const oldestNode = [20, 19] as const

/** When the releases of Node stop being mended (milliseconds since the epoch). */
const endOfLife: ReadonlyMap<number, number> = new Map([
  [20, Date.UTC(2026, 3, 30)],
  [22, Date.UTC(2027, 3, 30)],
  [24, Date.UTC(2028, 3, 30)],
])

/** Judges the release of Node, such as `24.9.0`. */
export function judgeNode(release: string, now: number): Finding {
  const [major = 0, minor = 0] = release.split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldestNode
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    return failure(
      'node',
      `Node ${release} is too old: install Node ${oldestNode.join('.')} or later, best the newest LTS.`,
    )
  }
  if (major % 2 === 1) {
    return warning(
      'node',
      `Node ${release} is no LTS release and is mended for half a year only: install an even one.`,
    )
  }
  if (now > (endOfLife.get(major) ?? Number.POSITIVE_INFINITY)) {
    return warning('node', `Node ${release} gets no security fixes any more: install the newest LTS.`)
  }
  return ok('node', `Node ${release}.`)
}

/** The first patch of each minor version of SQLite 3 that has the fix which all after 3.51 have. */
const mendedFrom: ReadonlyMap<number, number> = new Map([
  [44, 6],
  [50, 7],
  [51, 3],
])

/**
 * Judges the version of SQLite. Without the fix a checkpoint beside a writer can lose commits
 * (https://sqlite.org/wal.html#walresetbug); 3.52.0 has it and was withdrawn for other reasons.
 */
export function judgeSqlite(version: string): Finding {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const isMended = major > 3 || minor > 51 || patch >= (mendedFrom.get(minor) ?? Number.POSITIVE_INFINITY)
  if (!isMended) {
    return failure(
      'sqlite',
      `SQLite ${version} can damage a database that two processes write: run npm ci, which brings a mended one.`,
    )
  }
  if (version === '3.52.0') {
    return warning('sqlite', 'SQLite 3.52.0 was withdrawn by its makers: run npm ci, which brings another.')
  }
  return ok('sqlite', `SQLite ${version}.`)
}
