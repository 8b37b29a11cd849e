import { InvalidRequestError, MissingTokenError } from './bearer-error.ts'
import type { VerifierOptions } from './options.ts'
import type { AccessToken } from './token.ts'
import { createVerifier, type Verifier, type VerifyOptions } from './verifier.ts'

/** A verifier, or the options for one of its own. */
export type VerifierSource<Claims extends object> = Verifier<Claims> | VerifierOptions

export function toVerifier<Claims extends object>(source: VerifierSource<Claims>): Verifier<Claims> {
  return 'verify' in source ? source : createVerifier<Claims>(source)
}

/**
 * The access token of a request, from its `Authorization` header and nowhere else: the body and the query leak into
 * logs (RFC 9700 §4.3.2). The scheme is compared without case (RFC 9110 §11.1).
 * @param headers every `Authorization` header of the request
 * @throws {MissingTokenError} when there is none, or one of another scheme
 * @throws {InvalidRequestError} when there are several
 */
export function readBearerToken(headers: readonly string[]): string {
  const [header, ...others] = headers
  if (header === undefined) throw new MissingTokenError()
  if (others.length > 0 || header.includes(',')) throw new InvalidRequestError()
  const scheme = header.slice(0, 7).toLowerCase()
  if (scheme !== 'bearer ' && scheme !== 'bearer') throw new MissingTokenError()
  return header.slice(7).trim()
}

/** What is used of Node's `IncomingMessage`. */
export interface NodeRequest {
  readonly rawHeaders: readonly string[]
}

/** Node keeps only the first of several `Authorization` headers in `headers`; here they are all. */
export function authorizationHeaders({ rawHeaders }: NodeRequest): readonly string[] {
  const found: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 13 && name.toLowerCase() === 'authorization') found.push(rawHeaders[at + 1] ?? '')
  }
  return found
}

/** Verifies the access token of a request that came to Node. */
export async function verifyRequest<Claims extends object>(
  verifier: Verifier<Claims>,
  request: NodeRequest,
  options: VerifyOptions,
): Promise<AccessToken & Claims> {
  return verifier.verify(readBearerToken(authorizationHeaders(request)), options)
}
