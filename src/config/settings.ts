import { availableParallelism } from 'node:os'
import * as z from 'zod'
import { logLevels } from '../events/log.ts'
import { day, minute, second } from '../lib/durations.ts'
import { lifeBounds } from '../tokens/lives.ts'
import { leastBcryptCost, mostBcryptCost } from '../users/hashes/hash-format.ts'
import {
  clientId,
  databaseUrl,
  directory,
  duration,
  durationOrOff,
  foreignKey,
  host,
  issuer,
  type Kind,
  keyBits,
  moment,
  networks,
  oneOf,
  origins,
  port,
  portOrOff,
  splitList,
  vaultKey,
  whole,
} from './kinds.ts'

/** What is told of a setting wherever it is documented, asked for or refused. */
export interface About {
  readonly kind: Kind<unknown>
  /** What it does, as sentences. */
  readonly means: string
  /** The text that holds where nothing is set. */
  readonly default?: string
  /** The default in words, where it is not the same everywhere. */
  readonly defaultInWords?: string
  /** A value for the annotated example, where the default is none or not the same everywhere. */
  readonly example?: string
  /** It may hold a secret: its value is never repeated. */
  readonly secret?: true
}

const registry = z.registry<About>()

type Words = Omit<About, 'kind' | 'default' | 'means'>

/** A setting without a default. */
function optional<T>(kind: Kind<T>, means: string, words: Words = {}) {
  return toSchema(kind)
    .optional()
    .register(registry, { kind, means, ...words })
}

/** A setting with a default, which is read as if it had been set. */
function preset<T>(kind: Kind<T>, text: string, means: string, words: Words = {}) {
  return toSchema(kind)
    .prefault(text)
    .register(registry, { kind, means, default: text, ...words })
}

function toSchema<T>(kind: Kind<T>) {
  return z.string().transform((text, context): T => {
    const value = kind.read(text)
    if (value !== undefined) return value
    const advice = kind.advise?.(text)
    context.addIssue(`expected ${kind.expected}${advice === undefined ? '' : `; ${advice}`}`)
    return z.NEVER
  })
}

/** Every setting: the name of its variable, how it is read, its default and what it means. */
export const settings = z.object({
  MINTAGE_ISSUER: optional(
    issuer,
    'The `iss` of every token and the start of every published URL, byte for byte; never taken from a request.',
    { defaultInWords: 'required for `serve`', example: 'https://issuer.example' },
  ),
  MINTAGE_HOST: preset(host, '127.0.0.1', 'The address to listen on.'),
  MINTAGE_PORT: preset(port, '8080', 'The port to listen on; 0 takes a free one.'),
  MINTAGE_ADMIN_HOST: preset(
    host,
    '127.0.0.1',
    'The address of the admin listener, which shows metrics to whoever reaches it.',
  ),
  MINTAGE_ADMIN_PORT: preset(
    portOrOff,
    '8081',
    'The port of the admin listener; 0 takes a free one, `off` means none (`dev`: `off`).',
  ),
  MINTAGE_DATABASE_URL: preset(
    databaseUrl,
    'sqlite:./data/mintage.db',
    'The database. A relative path counts from the working directory.',
    { secret: true },
  ),
  MINTAGE_DATABASE_POOL: preset(
    whole(1, 1_000),
    '10',
    'How many connections to PostgreSQL a process has at most, beside one that it listens on for changes.',
  ),
  MINTAGE_KEYS_DIR: preset(
    directory,
    './keys',
    'Where the private keys lie, mode 0600 each. A relative path counts from the working directory.',
  ),
  MINTAGE_VAULT_KEY: optional(vaultKey, 'Seals the keys in the database instead.', { secret: true }),
  MINTAGE_VAULT_KEY_PREVIOUS: optional(
    vaultKey,
    'The vault key before that one, until `mintage keys reseal` has sealed all keys under the new one.',
    { secret: true },
  ),
  MINTAGE_STATE_DIR: optional(
    directory,
    'Where the high-water mark lies, one directory per node. It tells a start that the database went back in time.',
    { defaultInWords: 'beside the keys; required on PostgreSQL', example: '/var/lib/mintage' },
  ),
  MINTAGE_KEY_ROTATION: preset(
    duration({ least: second, most: 3_650 * day }),
    '30d',
    'How long a key signs before the next one takes over.',
  ),
  MINTAGE_KEY_BITS: preset(keyBits, '2048', 'The length of new RSA keys.'),
  MINTAGE_JWKS_MAX_AGE: preset(
    duration({ least: second, most: day }),
    '5m',
    'For how long the published keys may be cached. A key is published for twice as long before it signs.',
  ),
  MINTAGE_ACCESS_TOKEN_TTL: preset(
    duration(lifeBounds.accessToken),
    '15m',
    'How long an access token is valid, where neither its API nor its client says less.',
  ),
  MINTAGE_SESSION_IDLE_TTL: preset(
    duration(lifeBounds.sessionIdle),
    '7d',
    'How long a session lives without being refreshed; per client too.',
  ),
  MINTAGE_SESSION_TTL: preset(
    duration(lifeBounds.session),
    '90d',
    'How long a session lives at most; per client too.',
  ),
  MINTAGE_REFRESH_RETRY_WINDOW: preset(
    duration(lifeBounds.retryWindow),
    '30s',
    'How long a refresh whose answer was lost may be retried without a key; 0s means by key only; per client too.',
  ),
  MINTAGE_BCRYPT_COST: preset(
    whole(leastBcryptCost, mostBcryptCost),
    '12',
    'The cost of new password hashes; each step doubles the time of a login.',
  ),
  MINTAGE_HASH_THREADS: preset(
    whole(1, 256),
    String(Math.max(1, availableParallelism() - 1)),
    'How many passwords are hashed at once.',
    { defaultInWords: 'cores − 1, at least 1', example: '3' },
  ),
  MINTAGE_HASH_QUEUE: preset(
    whole(0, 100_000),
    '64',
    'How many logins may wait for a thread; past it the answer is 503.',
  ),
  MINTAGE_HASH_WAIT: preset(
    duration({ least: 10, most: minute }),
    '5s',
    'How long a login may wait for a thread; then the answer is 503, and its password is not looked at.',
  ),
  MINTAGE_ISSUE_QUEUE: preset(
    whole(4, 100_000),
    '1024',
    'How many tokens may wait for a commit or a signature; past it the answer is 503. Clients for themselves may fill half of it, logins three quarters, refreshes all; when more comes than can be done, a sixteenth of that.',
  ),
  MINTAGE_PASSWORD_MIN_LENGTH: preset(
    whole(1, 64),
    '15',
    'The least length of a password in characters, when one is set, not when one is imported.',
  ),
  MINTAGE_THROTTLE: preset(
    oneOf(['on', 'off']),
    'on',
    'Slows down whoever guesses passwords or client secrets; see docs/throttling.md.',
    { defaultInWords: '`on` (`dev`: `off`)' },
  ),
  MINTAGE_MAX_CONNECTIONS: preset(
    whole(1, 1_000_000),
    '10000',
    'Past so many connections the answer is 503.',
  ),
  MINTAGE_STREAM_SUBSCRIBERS: preset(
    whole(1, 1_000_000),
    '10000',
    'How many may follow the stream of status events in all; a tenth of it per network, loopback exempt.',
  ),
  MINTAGE_TRUSTED_PROXIES: preset(networks, '', 'The proxies whose `X-Forwarded-For` counts.', {
    defaultInWords: 'none',
    example: '10.0.0.0/8',
  }),
  MINTAGE_CORS_ORIGINS: preset(
    origins,
    '',
    'The origins whose scripts may call the endpoints that browsers use.',
    { defaultInWords: 'none', example: 'https://app.example' },
  ),
  MINTAGE_SIMPLEJWT_CLIENT: optional(
    clientId,
    'The client that the endpoints of SimpleJWT act for; unset, they do not exist.',
    { defaultInWords: 'none (`dev`: its public client)', example: 'web' },
  ),
  MINTAGE_DRF_JWT_CLIENT: optional(
    clientId,
    'The client that the endpoints of djangorestframework-jwt act for; unset, they do not exist.',
    { defaultInWords: 'none (`dev`: its public client)', example: 'web' },
  ),
  MINTAGE_PYJWT_CLIENT: optional(
    clientId,
    'The client that the endpoints of the PyJWT recipe act for; unset, they do not exist.',
    { defaultInWords: 'none (`dev`: its public client)', example: 'web' },
  ),
  MINTAGE_DJANGO_KEY: optional(
    foreignKey,
    'What a Django project signed with (`SIGNING_KEY`, by default its `SECRET_KEY`, or an RSA key): the refresh tokens ' +
      'that it gave out are exchanged, once each, at the endpoints of SimpleJWT.',
    { secret: true, defaultInWords: 'none' },
  ),
  MINTAGE_DJANGO_KEY_UNTIL: optional(moment, 'From when on that key counts no more.', {
    defaultInWords: 'required with the key',
  }),
  MINTAGE_AUDIT_RETENTION: preset(
    durationOrOff({ least: day, most: 36_500 * day }),
    '730d',
    'For how long audit rows are kept; older ones are verified, deleted and replaced by a signed checkpoint. `off` keeps all.',
  ),
  MINTAGE_LOG_LEVEL: preset(oneOf(logLevels), 'info', 'The least level of what is logged.'),
})

export type Settings = z.infer<typeof settings>
export type Variable = keyof Settings

export const variables = Object.keys(settings.shape) as readonly Variable[]

export function isVariable(name: string): name is Variable {
  return Object.hasOwn(settings.shape, name)
}

export function aboutSetting(variable: Variable): About {
  const known = registry.get(settings.shape[variable])
  if (!known) throw new TypeError(`${variable} is not documented.`)
  return known
}

/** The name of a setting in `mintage.toml`: the variable's, without its prefix and in small letters. */
export function keyOf(variable: string): string {
  return variable.replace(/^MINTAGE_/, '').toLowerCase()
}

/** The variable that stands for a key of `mintage.toml`. */
export function variableOf(key: string): string {
  return `MINTAGE_${key.toUpperCase()}`
}

/** A value as it stands in `mintage.toml`: a number, a list or a string; null where there is none. */
export function toTomlValue(variable: Variable, text: string | undefined): TomlValue {
  const { toml } = aboutSetting(variable).kind
  if (toml === 'array') return splitList(text ?? '')
  if (text === undefined) return null
  return toml === 'number' && /^\d+$/.test(text) ? Number(text) : text
}

export type TomlValue = string | number | readonly string[] | null
