import type { KeyObject } from 'node:crypto'
import { UnavailableError } from '../lib/unavailable-error.ts'
import { unwatched, type Watch } from '../lib/watch.ts'
import type { Signer } from './signer.ts'

/** What whoever signs needs of the key ring. */
export interface SigningKeys {
  /** The key that signs now, once it is sure, durably, to stay published for what lives so long (milliseconds). */
  signer(life: number): Promise<Signer>
  /** Undefined when the key is unknown or withdrawn. */
  publicKey(kid: string): KeyObject | undefined
}

/** A JWS in its compact serialisation (RFC 7515 §3.1), and what it was signed with. */
export interface SignedJws {
  readonly token: string
  readonly kid: string
  readonly publicKey: KeyObject
}

export interface SigningRequest {
  /** The `typ` of the header (RFC 7515 §4.1.9). */
  readonly typ: string
  /** How long it is good for, in milliseconds. */
  readonly life: number
  /** The payload as text, asked for after the key was chosen, and again for each key. */
  readonly payload: () => string | Promise<string>
  /** Watches each signature. */
  readonly watch?: Watch | undefined
}

/** How many keys in a row may be withdrawn while they sign. */
const attempts = 3

/**
 * Signs with the key of the moment. One that is withdrawn in an emergency while it signs is followed by the key that
 * took its place, so that nothing of it gets out.
 * @throws {UnavailableError} when one after another was withdrawn.
 */
export async function signCompact(
  keys: SigningKeys,
  { typ, life, payload, watch = unwatched }: SigningRequest,
): Promise<SignedJws> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const signer = await keys.signer(life)
    const asked = payload()
    const text = typeof asked === 'string' ? asked : await asked
    const signingInput = `${encodeHeader(signer.kid, typ)}.${Buffer.from(text).toString('base64url')}`
    const signature = await watch('sign', () => signer.sign(signingInput))
    const publicKey = keys.publicKey(signer.kid)
    if (publicKey)
      return { token: `${signingInput}.${signature.toString('base64url')}`, kid: signer.kid, publicKey }
  }
  throw new UnavailableError('One key after another was withdrawn while it signed.')
}

const encodedHeaders = new Map<string, string>()

/** The encoded header of a key and type, computed once for each (RFC 7515 §4). */
function encodeHeader(kid: string, typ: string): string {
  const name = `${typ} ${kid}`
  const known = encodedHeaders.get(name)
  if (known !== undefined) return known
  const encoded = Buffer.from(JSON.stringify({ alg: 'RS256', typ, kid })).toString('base64url')
  encodedHeaders.set(name, encoded)
  return encoded
}
