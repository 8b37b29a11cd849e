import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { formatDuration, parseDuration } from '../lib/durations.ts'
import { type ForeignKey, leastSecretBytes, readForeignKey } from '../tokens/foreign-key.ts'
import type { LifeBounds } from '../tokens/lives.ts'

/** How the text of a setting is read. */
export interface Kind<T> {
  /** What the text must be, to follow the word "expected". */
  readonly expected: string
  /** What stands for it in TOML where that is not a string. */
  readonly toml?: 'number' | 'array'
  /** @returns undefined when the text is not as expected. */
  read(text: string): T | undefined
  /** What to do about a mistake that is made often. */
  advise?(text: string): string | undefined
}

/** Whether a host name or address is this machine only. */
export const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host)

/** A duration, read into milliseconds. */
export function duration({ least, most }: LifeBounds): Kind<number> {
  return {
    expected: `a duration from ${formatDuration(least)} to ${formatDuration(most)}, such as 500ms, 10s, 15m, 12h or 7d`,
    read(text) {
      const value = parseDuration(text)
      return value !== undefined && value >= least && value <= most ? value : undefined
    },
  }
}

export function durationOrOff(bounds: LifeBounds): Kind<number | 'off'> {
  const { expected, read } = duration(bounds)
  return { expected: `${expected}, or off`, read: (text) => (text === 'off' ? text : read(text)) }
}

export function whole(least: number, most: number): Kind<number> {
  return {
    expected: `a whole number from ${least} to ${most}`,
    toml: 'number',
    read(text) {
      const value = Number(text)
      return /^\d+$/.test(text) && value >= least && value <= most ? value : undefined
    },
  }
}

export const port = whole(0, 65_535)

export const portOrOff: Kind<number | 'off'> = {
  expected: `${port.expected}, or off`,
  toml: 'number',
  read: (text) => (text === 'off' ? text : port.read(text)),
}

export function oneOf<const Value extends string>(values: readonly Value[]): Kind<Value> {
  return {
    expected: `one of ${values.join(', ')}`,
    read: (text) => values.find((candidate) => candidate === text),
  }
}

export const keyBits: Kind<2048 | 3072 | 4096> = {
  expected: 'one of 2048, 3072, 4096',
  toml: 'number',
  read: (text) => ([2048, 3072, 4096] as const).find((bits) => String(bits) === text),
}

export const host: Kind<string> = {
  expected: 'a host name or an IP address, without scheme and port',
  read: (text) =>
    isIP(text) !== 0 || /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_-]+)*\.?$/i.test(text)
      ? text
      : undefined,
}

export const directory: Kind<string> = {
  expected: 'the path of a directory',
  read: (text) => (text === '' || text.includes('\0') ? undefined : text),
}

export const clientId: Kind<string> = {
  expected: 'the client_id of a client',
  read: (text) => (text === '' ? undefined : text),
}

export const issuer: Kind<string> = {
  expected: 'an https URL without user, query and fragment (http only on loopback)',
  read(text) {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
    // URL mends what it reads, and the text is published as it is.
    const isPlain =
      !/\/\/.*\/\//.test(text) && /^https?:\/\/[\w.:[\]-]+(\/[\w.~!$&'()*+,;=:@/%-]*)?$/i.test(text)
    return secure && isPlain ? text : undefined
  },
  advise: (text) =>
    /^http:/i.test(text)
      ? 'over plain http anybody on the way can replace the published keys: put TLS in front and give its URL'
      : undefined,
}

export const databaseUrl: Kind<string> = {
  expected: 'sqlite:PATH, postgres://… or cockroachdb://…',
  read(text) {
    if (/^(postgres(ql)?|cockroachdb):\/\/.+/.test(text)) return URL.canParse(text) ? text : undefined
    if (!/^sqlite:[^\0]+$/.test(text)) return undefined
    return isMistakenPath(text) ? undefined : text
  },
  advise(text) {
    if (/^(postgres(ql)?|cockroachdb):/.test(text)) {
      return 'a character that means something in a URL is written %40 for @, %3A for :, %2F for /, %23 for #'
    }
    if (text === 'sqlite::memory:') return 'a database in memory would forget every session and revocation'
    if (isMistakenPath(text)) return 'the path follows the colon, as in sqlite:./data/mintage.db'
    return undefined
  },
}

/** What others write with two slashes is relative for some of them and absolute for others. */
function isMistakenPath(text: string): boolean {
  return text === 'sqlite::memory:' || /^sqlite:\/\/(?!\/)/.test(text)
}

/** Words apart from each other by commas or spaces. */
function list(
  item: (text: string) => boolean,
  expected: string,
  advise?: (text: string) => string | undefined,
): Kind<readonly string[]> {
  return {
    expected: `${expected}, apart from each other by commas`,
    toml: 'array',
    read(text) {
      const items = splitList(text)
      return items.every(item) ? items : undefined
    },
    ...(advise && { advise }),
  }
}

export function splitList(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
}

export const networks = list(
  (text) => ipaddr.isValidCIDR(text) || ipaddr.isValid(text),
  'networks such as 10.0.0.0/8 or addresses',
)

export const origins = list(
  (text) => URL.canParse(text) && /^https?:[^*]+$/.test(text) && new URL(text).origin === text,
  'origins such as https://app.example',
  (text) => {
    if (splitList(text).some((item) => item.includes('*'))) {
      return 'a wildcard would let the scripts of any site in: name each origin'
    }
    return 'an origin is scheme, host and port in small letters, without a path or a slash at its end'
  },
)

const vaultKeyBytes = 32

/** A random key has about thirty different bytes; one that somebody typed, or left at its first value, has few. */
const fewestDifferentBytes = 12

export const vaultKey: Kind<Buffer> = {
  expected: `${vaultKeyBytes} random bytes in base64url (43 characters)`,
  read(text) {
    const key = Buffer.from(text, 'base64url')
    const isWhole = key.length === vaultKeyBytes && key.toString('base64url') === text
    return isWhole && new Set(key).size >= fewestDifferentBytes ? key : undefined
  },
  advise: () => `make one with: node -p 'crypto.randomBytes(${vaultKeyBytes}).toString("base64url")'`,
}

/** A moment, read into milliseconds since the epoch. */
export const moment: Kind<number> = {
  expected: 'a time with its zone, such as 2026-01-31T12:00:00Z',
  read(text) {
    const isWhole = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text)
    const at = isWhole ? Date.parse(text) : Number.NaN
    return Number.isNaN(at) ? undefined : at
  },
}

export const foreignKey: Kind<ForeignKey> = {
  expected: `a secret of at least ${leastSecretBytes} bytes, or an RSA key of at least 2048 bits as PEM`,
  read: readForeignKey,
}
