import { second } from '../../lib/durations.ts'
import { type Finding, failure, ok, warning } from './finding.ts'

export interface IssuerQuestion {
  /** `iss`, byte for byte. */
  readonly issuer: string
  /** The key that signs; undefined when the database could not be asked. */
  readonly currentKid: string | undefined
  readonly fetch?: typeof fetch
  /** How long each answer is waited for, in milliseconds. */
  readonly patience?: number
}

/** More than any of the documents needs, in bytes. */
const largestAnswer = 1_048_576

/** Clocks that differ by less, in milliseconds, cannot be told apart by a header that counts seconds. */
const smallSkew = 5 * second

/**
 * Asks the issuer at its own URL for its metadata (RFC 8414 §3) and keys, as a service would, and compares the answers
 * with what they must be.
 */
export async function examineIssuer(question: IssuerQuestion): Promise<readonly Finding[]> {
  const { issuer } = question
  const metadataUrl = wellKnown(issuer)
  const metadata = await ask(metadataUrl, question)
  if (!metadata.ok) return [failure('issuer', metadata.problem)]
  const { issuer: answered, jwks_uri: jwksUri } = metadata.members
  if (answered !== issuer) {
    return [
      failure(
        'issuer',
        `${metadataUrl} is answered by the issuer ${show(answered)}, not by ${show(issuer)}: make MINTAGE_ISSUER and what serves the URL the same, byte for byte.`,
      ),
    ]
  }
  const findings = judgeDate(metadata.date, metadata.received)
  if (typeof jwksUri !== 'string' || !URL.canParse(jwksUri)) {
    return [
      ...findings,
      failure('issuer', `${metadataUrl} names no jwks_uri: see what stands between it and Mintage.`),
    ]
  }
  const jwks = await ask(jwksUri, question)
  if (!jwks.ok) return [...findings, failure('issuer', jwks.problem)]
  const keys = Array.isArray(jwks.members['keys']) ? jwks.members['keys'] : []
  const kids = keys.map((key: unknown) => (isRecord(key) ? key['kid'] : undefined))
  const { currentKid } = question
  if (currentKid !== undefined && !kids.includes(currentKid)) {
    return [
      ...findings,
      failure(
        'issuer',
        `${jwksUri} does not have the key ${currentKid}, which signs: a server on another database answers there, or a cache that keeps it too long.`,
      ),
    ]
  }
  return [...findings, ok('issuer', `${issuer} answers, as the same issuer and with its keys.`)]
}

/** Where an issuer's metadata are: before its path (RFC 8414 §3.1). */
export function wellKnown(issuer: string): string {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/+$/, '')}`
}

type Answer =
  | {
      readonly ok: true
      readonly members: Readonly<Record<string, unknown>>
      readonly date: string | null
      readonly received: number
    }
  | { readonly ok: false; readonly problem: string }

async function ask(
  url: string,
  { fetch: request = fetch, patience = 5 * second }: IssuerQuestion,
): Promise<Answer> {
  const problem = (what: string): Answer => ({ ok: false, problem: `${url} ${what}` })
  try {
    const response = await request(url, { redirect: 'manual', signal: AbortSignal.timeout(patience) })
    if (response.status >= 300 && response.status < 400) {
      const target = response.headers.get('location')
      await response.body?.cancel()
      return problem(
        `is redirected to ${show(target ?? '')}, which services do not follow: give MINTAGE_ISSUER the URL that answers itself.`,
      )
    }
    if (response.status !== 200) {
      await response.body?.cancel()
      return problem(
        `is answered with ${response.status}: see that the proxy in front hands /.well-known/ and /oauth2/ to Mintage.`,
      )
    }
    const members = parse(await readText(response))
    if (!members)
      return problem('is answered with something that is no JSON object: another server answers there.')
    return { ok: true, members, date: response.headers.get('date'), received: Date.now() }
  } catch (error) {
    return problem(explain(error, url))
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > largestAnswer) return ''
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function judgeDate(date: string | null, received: number): readonly Finding[] {
  const said = date === null ? Number.NaN : Date.parse(date)
  const skew = Math.abs(said - received)
  if (!(skew >= smallSkew)) return []
  return [
    warning(
      'clock',
      `The issuer's clock and the one of this machine differ by ${Math.round(skew / second)} s: see that NTP keeps both on time.`,
    ),
  ]
}

/** What went wrong on the way, by the code that Node has for it, and what to do. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [
    /^ENOTFOUND|^EAI_/,
    'cannot be reached: its host name is not known; see to DNS, or correct MINTAGE_ISSUER.',
  ],
  [
    /^ECONNREFUSED/,
    'cannot be reached: nothing listens there; start mintage serve and what stands in front of it, or correct MINTAGE_ISSUER.',
  ],
  [/^EHOSTUNREACH|^ENETUNREACH/, 'cannot be reached: there is no way to it; see to routes and firewalls.'],
  [
    /TIMEOUT|ETIMEDOUT|TimeoutError/,
    'did not answer in time: see to firewalls, and whether the proxy in front reaches Mintage.',
  ],
  [/^CERT_HAS_EXPIRED/, 'has a certificate that has expired: renew it.'],
  [/^CERT_NOT_YET_VALID/, 'has a certificate that is not valid yet: see to the clocks.'],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN)/,
    'has a certificate that nobody vouches for: use one that services trust, or give NODE_EXTRA_CA_CERTS its authority.',
  ],
  [
    /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT)/,
    'has a certificate whose chain is not whole: let the proxy send the intermediate certificates too.',
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID/,
    'has a certificate for another name: use one for the host of MINTAGE_ISSUER.',
  ],
  [
    /^(EPROTO|ERR_SSL)/,
    'does not speak TLS as it should: see that what listens there serves https, and with a current version.',
  ],
  [/^(ECONNRESET|UND_ERR_SOCKET|EPIPE|HPE_)/, 'broke the connection off: see what listens there.'],
]

function explain(error: unknown, url: string): string {
  const code = codesOf(error).find((each) => reasons.some(([codes]) => codes.test(each)))
  const reason = reasons.find(([codes]) => code !== undefined && codes.test(code))
  if (reason && code !== undefined) {
    const shown = new URL(url).protocol === 'https:' || !/TLS/.test(reason[1]) ? ` (${code})` : ''
    return `${reason[1].replace(/\.$/, '')}${shown}.`
  }
  return `cannot be asked: ${error instanceof Error ? error.message.replace(/\s+/g, ' ') : error}.`
}

/** The codes of an error and of what caused it; several addresses that all failed cause it together. */
function codesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : []
  const parts = error instanceof AggregateError ? error.errors.flatMap(codesOf) : []
  return [...own, error.name, ...parts, ...codesOf(error.cause)]
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Quoted, and not endless. */
function show(value: unknown): string {
  return JSON.stringify(value ?? null).slice(0, 300)
}
