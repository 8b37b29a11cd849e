import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { logLevels } from './events/log.ts'
import { day, formatDuration, parseDuration, second } from './lib/durations.ts'
import { OperatorError } from './lib/operator-error.ts'
import { type LifeBounds, lifeBounds } from './tokens/lives.ts'
import { leastBcryptCost, mostBcryptCost } from './users/hashes/hash-format.ts'

/** A setting is missing, unknown or bad; each problem names the setting, what was expected and where it came from. */
export class ConfigError extends OperatorError {
  override readonly name = 'ConfigError'

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
  }
}

const duration = ({ least, most }: LifeBounds) =>
  z.string().transform((text, context) => {
    const value = parseDuration(text)
    if (value !== undefined && value >= least && value <= most) return value
    context.addIssue(
      `expected a duration from ${formatDuration(least)} to ${formatDuration(most)}, such as 500ms, 10s, 15m, 12h or 7d`,
    )
    return z.NEVER
  })

const whole = (least: number, most: number) =>
  z.string().transform((text, context) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    context.addIssue(`expected a whole number from ${least} to ${most}`)
    return z.NEVER
  })

const oneOf = <const Value extends string>(values: readonly Value[]) =>
  z.string().transform((text, context) => {
    const value = values.find((candidate) => candidate === text)
    if (value !== undefined) return value
    context.addIssue(`expected one of ${values.join(', ')}`)
    return z.NEVER
  })

/** Whether a host name or address is this machine only. */
export const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host)

const issuer = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  // URL mends what it reads, and the text is published as it is.
  if (
    secure &&
    !/\/\/.*\/\//.test(text) &&
    /^https?:\/\/[\w.:[\]-]+(\/[\w.~!$&'()*+,;=:@/%-]*)?$/i.test(text)
  )
    return text
  context.addIssue('expected an https URL without user, query and fragment (http only on loopback)')
  return z.NEVER
})

/** Words apart from each other by commas or spaces. */
const list = (item: (text: string) => boolean, expected: string) =>
  z.string().transform((text, context) => {
    const items = text.split(/[\s,]+/).filter((word) => word !== '')
    if (items.every(item)) return items
    context.addIssue(`expected ${expected}, apart from each other by commas`)
    return z.NEVER
  })

const cidrs = list(
  (text) => ipaddr.isValidCIDR(text) || ipaddr.isValid(text),
  'networks such as 10.0.0.0/8 or addresses',
)

const origins = list(
  (text) => URL.canParse(text) && new URL(text).origin === text,
  'origins such as https://app.example',
)

const databaseUrl = z
  .string()
  .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)/, 'expected sqlite:PATH or postgres://…')

/** Every variable that has an effect: its name, how it is read, and its default. */
const schema = z.object({
  MINTAGE_ISSUER: issuer.optional(),
  MINTAGE_HOST: z.string().min(1).default('127.0.0.1'),
  MINTAGE_PORT: whole(0, 65_535).prefault('8080'),
  MINTAGE_DATABASE_URL: databaseUrl.default('sqlite:./data/mintage.db'),
  MINTAGE_KEYS_DIR: z.string().min(1).default('./keys'),
  MINTAGE_KEY_ROTATION: duration({ least: second, most: 3_650 * day }).prefault('30d'),
  MINTAGE_KEY_BITS: oneOf(['2048', '3072', '4096']).transform(Number).prefault('2048'),
  MINTAGE_ACCESS_TOKEN_TTL: duration(lifeBounds.accessToken).prefault('15m'),
  MINTAGE_SESSION_IDLE_TTL: duration(lifeBounds.sessionIdle).prefault('7d'),
  MINTAGE_SESSION_TTL: duration(lifeBounds.session).prefault('90d'),
  MINTAGE_REFRESH_RETRY_WINDOW: duration(lifeBounds.retryWindow).prefault('30s'),
  MINTAGE_JWKS_MAX_AGE: duration({ least: second, most: day }).prefault('5m'),
  MINTAGE_BCRYPT_COST: whole(leastBcryptCost, mostBcryptCost).prefault('12'),
  MINTAGE_HASH_THREADS: whole(1, 256).prefault(String(Math.max(1, availableParallelism() - 1))),
  MINTAGE_HASH_QUEUE: whole(0, 100_000).prefault('64'),
  MINTAGE_PASSWORD_MIN_LENGTH: whole(1, 64).prefault('15'),
  MINTAGE_MAX_CONNECTIONS: whole(1, 1_000_000).prefault('10000'),
  MINTAGE_LOG_LEVEL: oneOf(logLevels).prefault('info'),
  MINTAGE_ADMIN_HOST: z.string().min(1).default('127.0.0.1'),
  MINTAGE_ADMIN_PORT: z.union([z.literal('off'), whole(0, 65_535)]).prefault('8081'),
  MINTAGE_STATE_DIR: z.string().min(1).optional(),
  MINTAGE_STREAM_SUBSCRIBERS: whole(1, 1_000_000).prefault('10000'),
  MINTAGE_TRUSTED_PROXIES: cidrs.default([]),
  MINTAGE_CORS_ORIGINS: origins.default([]),
})

/** Those of `interface.md` whose part of Mintage is not built yet. */
const notBuiltYet = [
  'MINTAGE_VAULT_KEY',
  'MINTAGE_THROTTLE',
  'MINTAGE_SIMPLEJWT_CLIENT',
  'MINTAGE_DRF_JWT_CLIENT',
  'MINTAGE_PYJWT_CLIENT',
]

/** The settings of one process. Lives are in milliseconds. */
export interface Config {
  /** `iss`, byte for byte; undefined only where the command needs none. */
  readonly issuer: string | undefined
  readonly host: string
  readonly port: number
  readonly databaseUrl: string
  readonly keysDir: string
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
  readonly passwordMinLength: number
  readonly maxConnections: number
  readonly logLevel: (typeof logLevels)[number]
  readonly adminHost: string
  /** Undefined when there is no admin listener. */
  readonly adminPort: number | undefined
  /** Where the high-water mark lies; beside the keys where undefined. */
  readonly stateDir: string | undefined
  /** How many may follow the stream of status events at once. */
  readonly streamSubscribers: number
  /** Networks and addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  /** Origins whose scripts may call the endpoints that browsers use. */
  readonly corsOrigins: readonly string[]
  /** What the operator should hear of, though it stops nothing. */
  readonly warnings: readonly string[]
}

/**
 * Reads the environment. `MINTAGE_X_FILE` reads the value of `MINTAGE_X` from a file.
 * @throws {ConfigError} naming every unknown variable and every bad value.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const warnings: string[] = []
  const values: Record<string, string> = {}
  const sources = new Map<string, string>()
  const injected: string[] = []
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('MINTAGE_') || text === undefined || text === '') continue
    if (isInjectedByKubernetes(variable, text)) {
      injected.push(variable)
      continue
    }
    const name = variable.replace(/_FILE$/, '')
    if (name in schema.shape) {
      const value = name === variable ? text : readValue(variable, text, problems)
      if (value === undefined) continue
      if (name in values) problems.push(`${name} is set twice: by itself and by ${name}_FILE.`)
      values[name] = value
      sources.set(name, variable)
    } else if (notBuiltYet.includes(name)) {
      warnings.push(
        `${variable} has no effect yet: this version of Mintage does not have what it configures.`,
      )
    } else problems.push(`${variable} is unknown: no setting has this name.`)
  }
  if (injected.length > 0) {
    warnings.push(
      `${injected.join(', ')}: ignored, as Kubernetes injects such variables for a service named mintage.`,
    )
  }
  const parsed = schema.safeParse(values)
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0])
    problems.push(`${describeValue(sources.get(name) ?? name, values[name])}: ${issue.message}.`)
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  const config = toConfig(parsed.data, warnings)
  refuseUnsafeCombinations(config)
  return Object.freeze(config)
}

function readValue(variable: string, file: string, problems: string[]): string | undefined {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    problems.push(
      `${variable} names a file that cannot be read: ${error instanceof Error ? error.message : error}.`,
    )
    return undefined
  }
}

/** What lies in a file may be a secret, and a URL may hold a password; neither is repeated. */
function describeValue(variable: string, value: string | undefined): string {
  if (variable.endsWith('_FILE')) return `${variable} names a file with a bad value`
  if (variable === 'MINTAGE_DATABASE_URL') return `${variable} is bad`
  return `${variable} is ${JSON.stringify(value?.replace(/\/\/[^/?#]*@/, '//…@'))}`
}

/** What Kubernetes tells every container of a service named mintage, in the format of Docker's links. */
function isInjectedByKubernetes(variable: string, text: string): boolean {
  return (
    /^MINTAGE_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/.test(
      variable,
    ) ||
    (variable === 'MINTAGE_PORT' && /^(tcp|udp|sctp):\/\//.test(text))
  )
}

function toConfig(values: z.infer<typeof schema>, warnings: readonly string[]): Config {
  return {
    issuer: values.MINTAGE_ISSUER,
    host: values.MINTAGE_HOST,
    port: values.MINTAGE_PORT,
    databaseUrl: values.MINTAGE_DATABASE_URL,
    keysDir: values.MINTAGE_KEYS_DIR,
    keyRotation: values.MINTAGE_KEY_ROTATION,
    keyBits: values.MINTAGE_KEY_BITS as Config['keyBits'],
    accessTokenTtl: values.MINTAGE_ACCESS_TOKEN_TTL,
    sessionIdleTtl: values.MINTAGE_SESSION_IDLE_TTL,
    sessionTtl: values.MINTAGE_SESSION_TTL,
    refreshRetryWindow: values.MINTAGE_REFRESH_RETRY_WINDOW,
    jwksMaxAge: values.MINTAGE_JWKS_MAX_AGE,
    bcryptCost: values.MINTAGE_BCRYPT_COST,
    hashThreads: values.MINTAGE_HASH_THREADS,
    hashQueue: values.MINTAGE_HASH_QUEUE,
    passwordMinLength: values.MINTAGE_PASSWORD_MIN_LENGTH,
    maxConnections: values.MINTAGE_MAX_CONNECTIONS,
    logLevel: values.MINTAGE_LOG_LEVEL,
    adminHost: values.MINTAGE_ADMIN_HOST,
    adminPort: values.MINTAGE_ADMIN_PORT === 'off' ? undefined : values.MINTAGE_ADMIN_PORT,
    stateDir: values.MINTAGE_STATE_DIR,
    streamSubscribers: values.MINTAGE_STREAM_SUBSCRIBERS,
    trustedProxies: values.MINTAGE_TRUSTED_PROXIES,
    corsOrigins: values.MINTAGE_CORS_ORIGINS,
    warnings,
  }
}

function refuseUnsafeCombinations(config: Config): void {
  const problems: string[] = []
  if (config.sessionIdleTtl > config.sessionTtl) {
    problems.push(
      'MINTAGE_SESSION_IDLE_TTL is longer than MINTAGE_SESSION_TTL: a session cannot idle past its life.',
    )
  }
  if (config.refreshRetryWindow > config.sessionIdleTtl) {
    problems.push(
      'MINTAGE_REFRESH_RETRY_WINDOW is longer than MINTAGE_SESSION_IDLE_TTL: no retry is that late.',
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
}
