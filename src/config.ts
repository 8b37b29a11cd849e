import { judgeCombinations } from './config/combinations.ts'
import { ConfigError } from './config/config-error.ts'
import type { ConfigFile } from './config/config-file.ts'
import { describeRefused, redact } from './config/redaction.ts'
import { aboutSetting, type Settings, settings, type Variable, variables } from './config/settings.ts'
import { collectAssignments, type Environment, locate, type Source } from './config/sources.ts'
import type { logLevels } from './events/log.ts'
import { systemClock } from './lib/clock.ts'
import type { ForeignKey } from './tokens/foreign-key.ts'

export { ConfigError } from './config/config-error.ts'
export { type ConfigFile, readConfigFile, withoutKeys } from './config/config-file.ts'
export { isLoopback } from './config/kinds.ts'
export { withoutPassword } from './config/redaction.ts'
export { aboutSetting, keyOf, toTomlValue, type Variable, variables } from './config/settings.ts'
export type { Environment } from './config/sources.ts'

/** The settings of one process. Lives are in milliseconds. */
export interface Config {
  /** `iss`, byte for byte; undefined only where the command needs none. */
  readonly issuer: string | undefined
  readonly host: string
  readonly port: number
  readonly databaseUrl: string
  /** How many connections to PostgreSQL a process has at most. */
  readonly databasePool: number
  readonly keysDir: string
  /** 32 bytes: the keys are sealed with it in the database. Undefined: they lie in `keysDir`. */
  readonly vaultKey: Buffer | undefined
  /** The one that they were sealed with before. */
  readonly vaultKeyPrevious: Buffer | undefined
  readonly keyRotation: number
  readonly keyBits: 2048 | 3072 | 4096
  readonly accessTokenTtl: number
  readonly sessionIdleTtl: number
  readonly sessionTtl: number
  readonly refreshRetryWindow: number
  readonly jwksMaxAge: number
  readonly bcryptCost: number
  readonly hashThreads: number
  readonly hashQueue: number
  readonly hashWait: number
  /** How many tokens may wait for a commit or a signature. */
  readonly issueQueue: number
  readonly passwordMinLength: number
  /** Whether whoever guesses passwords or client secrets is slowed down. */
  readonly throttle: boolean
  readonly maxConnections: number
  readonly logLevel: (typeof logLevels)[number]
  readonly adminHost: string
  /** Undefined when there is no admin listener. */
  readonly adminPort: number | undefined
  /** Whether somebody asked for that port; the default one being taken stops no start. */
  readonly adminPortChosen: boolean
  /** Where the high-water mark lies; beside the keys where undefined. */
  readonly stateDir: string | undefined
  /** How many may follow the stream of status events at once. */
  readonly streamSubscribers: number
  /** Networks and addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  /** Origins whose scripts may call the endpoints that browsers use. */
  readonly corsOrigins: readonly string[]
  /** The `client_id` that the endpoints of each Django wire format act for; undefined: there are none. */
  readonly djangoClients: Readonly<Record<'simplejwt' | 'drfJwt' | 'pyjwt', string | undefined>>
  /** What the Django project signed with that was the issuer before, and until when (milliseconds since the epoch) that counts. */
  readonly foreignKey: { readonly key: ForeignKey; readonly until: number } | undefined
  /** For how long audit rows are kept; undefined: for ever. */
  readonly auditRetention: number | undefined
  /** What the operator should hear of, though it stops nothing. */
  readonly warnings: readonly string[]
}

/** What a process without an issuer is told. */
export const missingIssuer =
  'MINTAGE_ISSUER is missing: expected the https URL by which services know the issuer.'

/** One setting as it stands, and where it came from. */
export interface SettingInForce {
  readonly variable: Variable
  /** Secrets are left out; undefined where there is no value. */
  readonly value: string | undefined
  readonly source: string
  /** The file that holds a secret, be it of its own or the configuration file; undefined when none does. */
  readonly secretFile: string | undefined
}

/** A configuration that was looked at and not used yet. */
export interface ExaminedConfig {
  /** Undefined when there are problems. */
  readonly config: Config | undefined
  /** A sentence for each thing that stops the start. */
  readonly problems: readonly string[]
  /** A sentence for each thing that the operator should hear of, though it stops nothing. */
  readonly warnings: readonly string[]
  readonly inForce: readonly SettingInForce[]
}

export interface ConfigSources {
  readonly environment: Environment
  readonly file?: ConfigFile | undefined
  /** What holds in place of the usual default. */
  readonly defaults?: Readonly<Partial<Record<Variable, string>>>
}

/**
 * Reads the environment, and the file under it. `MINTAGE_X_FILE` reads the value of `MINTAGE_X` from a file.
 * @throws {ConfigError} naming every unknown setting, every bad value and every unsafe combination.
 */
export function readConfig(environment: Environment, more: Omit<ConfigSources, 'environment'> = {}): Config {
  const { config, problems } = examineConfig({ environment, ...more })
  if (!config) throw new ConfigError(problems)
  return config
}

/** Reads what {@link readConfig} reads, and tells what there is, good or bad. Throws nothing. */
export function examineConfig({ environment, file, defaults = {} }: ConfigSources): ExaminedConfig {
  const { assigned, problems: misnamed, warnings } = collectAssignments(environment, file)
  const texts = { ...defaults, ...Object.fromEntries([...assigned].map(([name, { text }]) => [name, text])) }
  const parsed = settings.safeParse(texts)
  const refused = (parsed.error?.issues ?? []).map((issue) => {
    const variable = issue.path[0] as Variable
    const assignment = assigned.get(variable)
    const subject = assignment ? describeRefused(variable, assignment, locate(assignment.source)) : variable
    return `${subject}: ${issue.message}.`
  })
  const problems = [...misnamed, ...refused]
  const inForce = variables.map((variable) => {
    const assignment = assigned.get(variable)
    const text = texts[variable] ?? aboutSetting(variable).default
    const isSecret = text !== undefined && redact(variable, text) !== text
    const holder =
      assignment?.source.valueFile ?? (assignment?.source.kind === 'file' ? file?.path : undefined)
    return {
      variable,
      value: text === undefined || text === '' ? undefined : redact(variable, text),
      source: assignment ? describeSource(assignment.source) : 'default',
      secretFile: isSecret ? holder : undefined,
    }
  })
  if (!parsed.success || problems.length > 0) return { config: undefined, problems, warnings, inForce }
  const origin = (variable: Variable) => {
    const assignment = assigned.get(variable)
    return assignment && describeSource(assignment.source)
  }
  const combinations = judgeCombinations(parsed.data, origin, systemClock.now())
  const heard = [...warnings, ...combinations.warnings]
  if (combinations.problems.length > 0) {
    return { config: undefined, problems: combinations.problems, warnings: heard, inForce }
  }
  return {
    config: Object.freeze(toConfig(parsed.data, assigned.has('MINTAGE_ADMIN_PORT'), heard)),
    problems: [],
    warnings: heard,
    inForce,
  }
}

function describeSource({ kind, name, place, valueFile }: Source): string {
  const where = kind === 'environment' ? 'environment' : (place ?? '')
  return valueFile === undefined ? where : `${where}, ${name} (${valueFile})`
}

function toForeignKey({
  MINTAGE_DJANGO_KEY: key,
  MINTAGE_DJANGO_KEY_UNTIL: until,
}: Settings): Config['foreignKey'] {
  return key === undefined || until === undefined ? undefined : { key, until }
}

function toConfig(values: Settings, adminPortChosen: boolean, warnings: readonly string[]): Config {
  return {
    issuer: values.MINTAGE_ISSUER,
    host: values.MINTAGE_HOST,
    port: values.MINTAGE_PORT,
    databaseUrl: values.MINTAGE_DATABASE_URL,
    databasePool: values.MINTAGE_DATABASE_POOL,
    keysDir: values.MINTAGE_KEYS_DIR,
    vaultKey: values.MINTAGE_VAULT_KEY,
    vaultKeyPrevious: values.MINTAGE_VAULT_KEY_PREVIOUS,
    keyRotation: values.MINTAGE_KEY_ROTATION,
    keyBits: values.MINTAGE_KEY_BITS,
    accessTokenTtl: values.MINTAGE_ACCESS_TOKEN_TTL,
    sessionIdleTtl: values.MINTAGE_SESSION_IDLE_TTL,
    sessionTtl: values.MINTAGE_SESSION_TTL,
    refreshRetryWindow: values.MINTAGE_REFRESH_RETRY_WINDOW,
    jwksMaxAge: values.MINTAGE_JWKS_MAX_AGE,
    bcryptCost: values.MINTAGE_BCRYPT_COST,
    hashThreads: values.MINTAGE_HASH_THREADS,
    hashQueue: values.MINTAGE_HASH_QUEUE,
    hashWait: values.MINTAGE_HASH_WAIT,
    issueQueue: values.MINTAGE_ISSUE_QUEUE,
    passwordMinLength: values.MINTAGE_PASSWORD_MIN_LENGTH,
    throttle: values.MINTAGE_THROTTLE === 'on',
    maxConnections: values.MINTAGE_MAX_CONNECTIONS,
    auditRetention: values.MINTAGE_AUDIT_RETENTION === 'off' ? undefined : values.MINTAGE_AUDIT_RETENTION,
    logLevel: values.MINTAGE_LOG_LEVEL,
    adminHost: values.MINTAGE_ADMIN_HOST,
    adminPort: values.MINTAGE_ADMIN_PORT === 'off' ? undefined : values.MINTAGE_ADMIN_PORT,
    adminPortChosen,
    stateDir: values.MINTAGE_STATE_DIR,
    streamSubscribers: values.MINTAGE_STREAM_SUBSCRIBERS,
    trustedProxies: values.MINTAGE_TRUSTED_PROXIES,
    corsOrigins: values.MINTAGE_CORS_ORIGINS,
    djangoClients: {
      simplejwt: values.MINTAGE_SIMPLEJWT_CLIENT,
      drfJwt: values.MINTAGE_DRF_JWT_CLIENT,
      pyjwt: values.MINTAGE_PYJWT_CLIENT,
    },
    foreignKey: toForeignKey(values),
    warnings,
  }
}
