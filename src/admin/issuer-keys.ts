import { createPublicKey, type KeyObject } from 'node:crypto'
import { isRs256PublicKey } from '@mintage/verifier/jws'
import * as z from 'zod'
import { second } from '../lib/durations.ts'
import { quote } from '../lib/quote.ts'
import { AdminError } from './admin-error.ts'

const deadline = 10 * second

/** In bytes; a JWKS of a hundred keys has fifty thousand. */
const largestAnswer = 1_000_000

const metadata = z.object({ issuer: z.string(), jwks_uri: z.url() })
const jwks = z.object({ keys: z.array(z.looseObject({ kid: z.string().optional(), kty: z.string() })) })

/**
 * Fetches what an issuer publishes of its keys, by its metadata (RFC 8414 §3).
 * @throws {AdminError} when it cannot be reached, or is not the issuer that it was called.
 */
export async function fetchIssuerKeys(issuer: string): Promise<ReadonlyMap<string, KeyObject>> {
  const found = await fetchMetadata(issuer)
  if (found.issuer !== issuer) {
    throw new AdminError(
      `The issuer calls itself ${quote(found.issuer)}, and not ${quote(issuer)}, byte for byte.`,
    )
  }
  const { keys } = await fetchJson(found.jwks_uri, jwks)
  const known = new Map<string, KeyObject>()
  for (const key of keys) {
    if (key.kid === undefined || key.kty !== 'RSA') continue
    try {
      const publicKey = createPublicKey({ key, format: 'jwk' })
      if (isRs256PublicKey(publicKey)) known.set(key.kid, publicKey)
    } catch {
      // A key that cannot be read is one that nobody can verify with.
    }
  }
  return known
}

async function fetchMetadata(issuer: string): Promise<z.infer<typeof metadata>> {
  if (!URL.canParse(issuer) || !/^https?:$/.test(new URL(issuer).protocol)) {
    throw new AdminError(`An issuer is an https URL, and ${quote(issuer)} is none.`)
  }
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return fetchJson(`${origin}/.well-known/oauth-authorization-server${path}`, metadata)
}

async function fetchJson<T>(url: string, shape: z.ZodType<T>): Promise<T> {
  let text: string
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(deadline) })
    if (!response.ok) throw new AdminError(`${url} answers ${response.status}: say the URL of an issuer.`)
    text = await readBounded(response, url)
  } catch (error) {
    if (error instanceof AdminError) throw error
    const { cause } = error instanceof Error ? error : {}
    const why = cause instanceof Error ? cause.message : error instanceof Error ? error.message : error
    throw new AdminError(
      `${url} cannot be fetched (${why}): see that the issuer runs and can be reached from here.`,
      {
        cause: error,
      },
    )
  }
  const parsed = shape.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new AdminError(`${url} does not answer what an issuer answers there: say the URL of an issuer.`)
}

async function readBounded(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > largestAnswer) throw new AdminError(`${url} answers more than ${largestAnswer} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
