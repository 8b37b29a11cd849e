import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { second } from '../../lib/durations.ts'
import { type DatabaseFacts, inspectDatabase } from '../../store/inspection.ts'
import { type Finding, failure, ok, sentenceOf, warning } from './finding.ts'

/** What was found of the database, and what the other checks need of it. */
export interface DatabaseExamination {
  readonly findings: readonly Finding[]
  readonly facts: DatabaseFacts | undefined
}

/** Looks whether the database can be reached and written, and whether this version can use it. */
export async function examineDatabase(url: string): Promise<DatabaseExamination> {
  const file = url.startsWith('sqlite:') ? resolve(url.slice('sqlite:'.length)) : undefined
  const name = file ?? 'PostgreSQL'
  let facts: DatabaseFacts | undefined
  try {
    facts = await inspectDatabase(url)
  } catch (error) {
    const message = `${name} cannot be read: ${sentenceOf(error)}`
    return { findings: [failure('database', message), ...judgeAccess(file)], facts: undefined }
  }
  if (!facts) {
    const message = `There is no database at ${name}: run mintage migrate, or correct MINTAGE_DATABASE_URL.`
    return { findings: [failure('database', message)], facts: undefined }
  }
  const problems = [...judgeFacts(facts, name), ...judgeAccess(file), ...judgeMode(file)]
  const well = ok(
    'database',
    `${name} can be read and written${file === undefined ? ` (${facts.version})` : ''}.`,
  )
  const isWell = problems.every((problem) => problem.status !== 'failure')
  return { findings: [...(isWell ? [well] : []), ...problems, judgeSchema(facts)], facts }
}

function judgeFacts(facts: DatabaseFacts, name: string): readonly Finding[] {
  return [
    ...(facts.unwritable === undefined
      ? []
      : [failure('database', `${name} takes no writes: ${facts.unwritable}.`)]),
    ...(facts.damage === undefined
      ? []
      : [failure('database', `${name} is damaged (${facts.damage}): stop Mintage and restore a backup.`)]),
  ]
}

function judgeAccess(file: string | undefined): readonly Finding[] {
  if (file === undefined || !existsSync(file)) return []
  const findings: Finding[] = []
  for (const path of [dirname(file), file, `${file}-wal`, `${file}-shm`].filter((each) => existsSync(each))) {
    try {
      accessSync(path, constants.W_OK)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : error
      findings.push(
        failure(
          'database',
          `${path} cannot be written (${code}): give it to the user that runs Mintage, on a disk that takes writes.`,
        ),
      )
    }
  }
  return findings
}

function judgeMode(file: string | undefined): readonly Finding[] {
  if (file === undefined) return []
  const mode = statSync(file).mode & 0o777
  if ((mode & 0o077) === 0) return []
  const shown = mode.toString(8).padStart(4, '0')
  return [warning('database', `${file} has mode ${shown}, which lets others read it: run chmod 600 ${file}.`)]
}

function judgeSchema({ missingMigrations, unknownMigrations, breakingMigrations }: DatabaseFacts): Finding {
  if (breakingMigrations.length > 0) {
    return failure(
      'schema',
      `The schema is of a newer version of Mintage (${breakingMigrations.join(', ')}): run that version or a later one, or restore a backup made before the upgrade.`,
    )
  }
  if (missingMigrations.length > 0) {
    return warning(
      'schema',
      `The schema is behind (${missingMigrations.join(', ')} not run): run mintage migrate, or start mintage serve, which does it too.`,
    )
  }
  if (unknownMigrations.length > 0) {
    return ok(
      'schema',
      `A newer version of Mintage has added to the schema (${unknownMigrations.join(', ')}), and this one can run beside it.`,
    )
  }
  return ok('schema', 'The schema is up to date.')
}

/** Clocks that differ by less, in milliseconds, disturb nobody. */
const smallSkew = 2 * second

/** What verifiers allow for by default, in milliseconds. */
const largeSkew = 30 * second

/** Compares the clock of this machine, in milliseconds since the epoch, with what the database knows of the time. */
export function judgeClock({ clock, lastChange }: DatabaseFacts, now: number): Finding {
  const mend = 'see that NTP keeps this machine, and the database server, on time.'
  if (clock) {
    const doubt = (clock.answered - clock.asked) / 2
    const skew = Math.max(0, Math.abs(clock.now - (clock.asked + clock.answered) / 2) - doubt)
    const message = `The clocks of this machine and of the database differ by ${Math.round(skew)} ms`
    if (skew >= largeSkew) return failure('clock', `${message}, so that services refuse tokens: ${mend}`)
    return skew >= smallSkew ? warning('clock', `${message}: ${mend}`) : ok('clock', `${message}.`)
  }
  const ahead = (lastChange ?? 0) - now
  if (ahead < smallSkew)
    return ok('clock', `The clock says ${new Date(now).toISOString()}; nothing in the database is later.`)
  return failure(
    'clock',
    `The clock says ${new Date(now).toISOString()}, but the database was changed at ${new Date(lastChange ?? 0).toISOString()}: ${mend}`,
  )
}
