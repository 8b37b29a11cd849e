import type { Clock } from './clock.ts'
import { type Duration, readDuration } from './durations.ts'
import { guard, type Tell, type VerifierEvent } from './events.ts'
import type { Fetch } from './fetch-like.ts'

/** What to do with a token whose revocation cannot be told for certain. */
export type StatusPolicy = 'accept' | 'introspect' | 'refuse'

/** A client of the issuer that may introspect tokens for this audience. */
export interface ClientCredentials {
  readonly clientId: string
  readonly clientSecret: string
}

export interface VerifierOptions {
  /** The issuer, exactly as its tokens say it in `iss`. https, unless it is on this machine. */
  readonly issuer: string
  /** The name of this API; with several, a token for any of them is accepted. */
  readonly audience: string | readonly string[]
  /** How revocations arrive: pushed within milliseconds, asked for every `pollInterval`, or not at all. */
  readonly revocation?: 'push' | 'poll' | 'off'
  /** When no word came for `staleAfter`. `accept` by default. */
  readonly whenStale?: StatusPolicy
  /** When no word came for `blindAfter`, or ever. `refuse` (503) by default. */
  readonly whenBlind?: StatusPolicy
  /** `6s` by default. */
  readonly staleAfter?: Duration
  /** `15m` by default; the life of the access tokens, when theirs is another. */
  readonly blindAfter?: Duration
  /** How far the clocks of issuer and service may be apart. `30s` by default. */
  readonly clockTolerance?: Duration
  /** The longest life of a token that is believed. `24h` by default. */
  readonly maxLifetime?: Duration
  /** How many verified tokens are remembered. 10,000 by default; 0 remembers none. */
  readonly cacheSize?: number
  /** The `typ` header of the tokens: `at+jwt`, or `JWT` for an API that asked for it. */
  readonly typ?: 'at+jwt' | 'JWT'
  /** Needed by the policy `introspect`; also gives the event stream its reserved place. */
  readonly introspection?: ClientCredentials
  /** Where the keys are; `ISSUER/.well-known/jwks.json` by default. */
  readonly jwksUri?: string
  /** How often the issuer is asked while nothing is pushed. `10s` by default. */
  readonly pollInterval?: Duration
  /** How long the last known keys stay good while the issuer cannot be reached. `24h` by default; then 503. */
  readonly maxKeyAge?: Duration
  /** Told of everything that is worth counting. Called while a token is verified, so it should be quick. */
  readonly onEvent?: (event: VerifierEvent) => void
  /** In place of Node's own. The event stream then goes through it too, and keeps the process alive if it does. */
  readonly fetch?: Fetch
  /** The time of day, for tests. */
  readonly currentDate?: Date | (() => Date | number)
  /** Milliseconds of a clock that nobody sets, for tests. */
  readonly monotonicTime?: () => number
}

/** Every option with its value. Times are milliseconds. */
export interface Settings {
  readonly issuer: string
  readonly audience: string | readonly string[]
  readonly revocation: 'push' | 'poll' | 'off'
  readonly whenStale: StatusPolicy
  readonly whenBlind: StatusPolicy
  readonly staleAfter: number
  readonly blindAfter: number
  readonly clockTolerance: number
  readonly maxLifetime: number
  readonly cacheSize: number
  readonly typ: 'at+jwt' | 'JWT'
  readonly credentials: ClientCredentials | undefined
  readonly jwksUri: string
  /** `ISSUER/status-lists`; a list or the event stream is below it. */
  readonly statusLists: string
  readonly introspectionEndpoint: string
  readonly pollInterval: number
  readonly maxKeyAge: number
  readonly tell: Tell | undefined
  /** Undefined: Node's own. */
  readonly fetch: Fetch | undefined
  readonly clock: Clock
}

/** @throws {TypeError} that says which option is wrong, and what was expected. */
export function readOptions(options: VerifierOptions): Settings {
  const { issuer, audience, introspection, onEvent, currentDate, monotonicTime } = options
  const base = readUrl('issuer', issuer).replace(/\/$/, '')
  const audiences = typeof audience === 'string' ? [audience] : audience
  if (!Array.isArray(audiences) || audiences.length === 0 || audiences.some((each) => !isText(each))) {
    throw new TypeError('audience is the name of this API, or a list of such names.')
  }
  const duration = (name: keyof VerifierOptions, value: Duration | undefined, standard: Duration): number =>
    readDuration(name, value ?? standard)
  const settings: Settings = {
    issuer,
    audience: typeof audience === 'string' ? audience : [...audience],
    revocation: choose('revocation', options.revocation, ['push', 'poll', 'off']),
    whenStale: choose('whenStale', options.whenStale, ['accept', 'introspect', 'refuse']),
    whenBlind: choose('whenBlind', options.whenBlind, ['refuse', 'accept', 'introspect']),
    staleAfter: duration('staleAfter', options.staleAfter, '6s'),
    blindAfter: duration('blindAfter', options.blindAfter, '15m'),
    clockTolerance: duration('clockTolerance', options.clockTolerance, '30s'),
    maxLifetime: duration('maxLifetime', options.maxLifetime, '24h'),
    cacheSize: readCount('cacheSize', options.cacheSize ?? 10_000),
    typ: choose('typ', options.typ, ['at+jwt', 'JWT']),
    credentials: introspection && readCredentials(introspection),
    jwksUri: readUrl('jwksUri', options.jwksUri ?? `${base}/.well-known/jwks.json`),
    statusLists: `${base}/status-lists`,
    introspectionEndpoint: `${base}/oauth2/introspect`,
    pollInterval: duration('pollInterval', options.pollInterval, '10s'),
    maxKeyAge: duration('maxKeyAge', options.maxKeyAge, '24h'),
    tell: onEvent && guard(onEvent),
    fetch: options.fetch,
    clock: {
      wall: readWallClock(currentDate),
      monotonic: monotonicTime ?? (() => performance.now()),
    },
  }
  if ([settings.whenStale, settings.whenBlind].includes('introspect') && !introspection) {
    throw new TypeError("The policy 'introspect' needs introspection: { clientId, clientSecret }.")
  }
  return settings
}

/** Row 34: https, unless the host is this machine. */
function readUrl(name: string, text: string): string {
  const url = isText(text) && URL.canParse(text) ? new URL(text) : undefined
  if (!url || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))) {
    throw new TypeError(`${name} is an https URL (http only on this machine), and not ${String(text)}.`)
  }
  if (
    url.username !== '' ||
    url.password !== '' ||
    url.hash !== '' ||
    (name === 'issuer' && url.search !== '')
  ) {
    throw new TypeError(`${name} has no user, password or fragment, and an issuer no query (RFC 8414 §2).`)
  }
  return text
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

function readWallClock(date: Date | (() => Date | number) | undefined): () => number {
  if (date === undefined) return Date.now
  return typeof date === 'function' ? () => Number(date()) : () => date.getTime()
}

function readCredentials({ clientId, clientSecret }: ClientCredentials): ClientCredentials {
  if (isText(clientId) && isText(clientSecret)) return { clientId, clientSecret }
  throw new TypeError('introspection has a clientId and a clientSecret.')
}

function readCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new TypeError(`${name} is a whole number from 0 on, and not ${String(value)}.`)
}

/** The first choice is the default. */
function choose<T extends string>(name: string, value: T | undefined, choices: readonly [T, ...T[]]): T {
  if (value === undefined) return choices[0]
  if (choices.includes(value)) return value
  throw new TypeError(`${name} is one of ${choices.join(', ')}, and not ${String(value)}.`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
