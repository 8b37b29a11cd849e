import { readFileSync } from 'node:fs'
import { StoreUnavailableError } from './errors.ts'

/** TLS as the driver takes it. */
export interface PostgresTls {
  readonly rejectUnauthorized: boolean
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly checkServerIdentity?: () => undefined
}

/** What a database URL says, as the driver takes it. */
export interface PostgresAddress {
  readonly dialect: 'postgres' | 'cockroachdb'
  /** The URL without what this module has read from it. */
  readonly connectionString: string
  readonly ssl: PostgresTls | false
  /** For people: no user, no password. */
  readonly location: string
}

/** How the server is told from somebody in between. */
export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full' | 'no-verify'

const sslModes: readonly SslMode[] = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify']

/** Parameters that libpq understands and nobody here acts upon: silence would promise what is not done. */
const unsupported: Readonly<Record<string, string>> = {
  sslcrl: 'lists of revoked certificates are not read',
  sslpassword: 'the key of a client certificate must not be encrypted',
  target_session_attrs: 'Mintage refuses a server that takes no writes by itself; leave it out',
}

/**
 * Reads `postgres://…` or `cockroachdb://…`. `sslmode` is `disable` (the default), `require` and `verify-full` (the
 * chain and the host name are verified, which libpq does for the second only), `verify-ca` (the chain) or
 * `no-verify`. The driver's own reading of `sslmode` changes with its next version, so it never sees it.
 * @throws {StoreUnavailableError} when a parameter cannot be obeyed or a file of it cannot be read.
 */
export function readPostgresAddress(url: string): PostgresAddress {
  const dialect = url.startsWith('cockroachdb:') ? 'cockroachdb' : 'postgres'
  const address = new URL(url.replace(/^(cockroachdb|postgresql):/, 'postgres:'))
  const { searchParams } = address
  for (const [name, reason] of Object.entries(unsupported)) {
    if (searchParams.has(name)) throw refuse(`${name} cannot be used: ${reason}`)
  }
  if (address.host.includes(',')) throw refuse('it names several hosts: name one, or a proxy before them')
  const ssl = readTls(searchParams)
  for (const name of ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey']) searchParams.delete(name)
  const host = searchParams.get('host') ?? (decodeURIComponent(address.hostname) || 'localhost')
  const port = searchParams.get('port') ?? (address.port || (dialect === 'cockroachdb' ? '26257' : '5432'))
  if (dialect === 'cockroachdb' && !searchParams.has('port')) address.port = port
  return { dialect, connectionString: address.href, ssl, location: `PostgreSQL at ${host}:${port}` }
}

function readTls(parameters: URLSearchParams): PostgresTls | false {
  const mode = parameters.get('sslmode') ?? (isOn(parameters.get('ssl')) ? 'verify-full' : 'disable')
  if (!isSslMode(mode)) {
    throw refuse(
      `sslmode=${mode} is not one of ${sslModes.join(', ')}: a connection is encrypted or it is not`,
    )
  }
  const ca = readFile(parameters, 'sslrootcert')
  const cert = readFile(parameters, 'sslcert')
  const key = readFile(parameters, 'sslkey')
  if (mode === 'disable') {
    if (ca ?? cert ?? key) throw refuse('it names a certificate, so it needs sslmode=verify-full too')
    return false
  }
  return {
    rejectUnauthorized: mode !== 'no-verify',
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  }
}

/** What a file holds that a parameter names; undefined without the parameter, or where it says `system`. */
function readFile(parameters: URLSearchParams, name: string): string | undefined {
  const path = parameters.get(name)
  if (path === null || path === 'system') return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    throw refuse(`the file ${path} of ${name} cannot be read (${code})`, error)
  }
}

function isOn(text: string | null): boolean {
  return text === 'true' || text === '1'
}

function isSslMode(text: string): text is SslMode {
  return (sslModes as readonly string[]).includes(text)
}

function refuse(what: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`MINTAGE_DATABASE_URL: ${what}.`, { cause })
}
