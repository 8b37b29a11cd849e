import { dirname, resolve } from 'node:path'
import { isCurrent } from '../../keys/schedule.ts'
import { systemClock } from '../../lib/clock.ts'
import { sqliteVersion } from '../../store/inspection.ts'
import { examineDatabase, judgeClock } from './database.ts'
import { examineDisks } from './disk.ts'
import { type Finding, failure, ok, warning } from './finding.ts'
import { examineIssuer } from './issuer.ts'
import { examineKeys, type KeySettings } from './keys.ts'
import { examinePorts, type Listeners } from './ports.ts'
import { judgeNode, judgeSqlite } from './runtime.ts'
import { examineSecrets, type SecretFile } from './secrets.ts'

export type { Finding } from './finding.ts'

/** What is examined. */
export interface Patient extends KeySettings, Listeners {
  readonly databaseUrl: string
  readonly stateDir: string | undefined
  readonly bcryptCost: number
  /** The files that hold secrets, or settings with a secret among them. */
  readonly secretFiles: readonly SecretFile[]
  /** What the configuration warns of. */
  readonly warnings: readonly string[]
}

/** Below, a stolen table of hashes is guessed through too fast (OWASP Password Storage). */
const leastCost = 10

/** Looks at a whole installation, beside a server that may be running, and changes nothing of it. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const now = systemClock.now()
  const { findings: database, facts } = await examineDatabase(patient.databaseUrl)
  const currentKid = facts?.ring?.keys.find(isCurrent)?.kid
  const isSqlite = patient.databaseUrl.startsWith('sqlite:')
  const [keys, issuer, ports, disks] = await Promise.all([
    facts ? examineKeys(facts, patient, now) : [],
    patient.issuer === undefined ? [] : examineIssuer({ issuer: patient.issuer, currentKid }),
    examinePorts(patient),
    examineDisks([
      ...(isSqlite ? [dirname(resolve(patient.databaseUrl.slice('sqlite:'.length)))] : []),
      patient.keysDir,
      ...(patient.stateDir === undefined ? [] : [patient.stateDir]),
    ]),
  ])
  return [
    ...judgeConfiguration(patient),
    judgeNode(process.versions.node, now),
    ...(isSqlite ? [judgeSqlite(sqliteVersion())] : []),
    ...database,
    ...(facts ? [judgeClock(facts, now)] : []),
    ...keys,
    ...ports,
    ...issuer,
    ...disks,
    ...examineSecrets(patient.secretFiles, patient.databaseUrl),
    ...(patient.bcryptCost < leastCost
      ? [
          warning(
            'passwords',
            `MINTAGE_BCRYPT_COST is ${patient.bcryptCost}: raise it to ${leastCost} at least, so that stolen hashes are slow to guess.`,
          ),
        ]
      : []),
  ]
}

function judgeConfiguration({ issuer, warnings }: Patient): readonly Finding[] {
  const missing =
    'MINTAGE_ISSUER is missing: set it to the https URL by which services know the issuer; serve does not start without.'
  const findings = [
    ...(issuer === undefined ? [failure('configuration', missing)] : []),
    ...warnings.map((each) => warning('configuration', each)),
  ]
  return findings.length > 0 ? findings : [ok('configuration', 'The configuration is good.')]
}
