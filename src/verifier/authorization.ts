import { CrossSiteRequestError, InvalidRequestError, MissingTokenError } from './bearer-error.ts'
import { cookieValues } from './cookie-header.ts'
import type { VerifierOptions } from './options.ts'
import { mayUseCookies, type SendingPage } from './sending-page.ts'
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

/** How a request is let through, besides what {@link VerifyOptions} says. */
export interface AuthenticateOptions extends VerifyOptions {
  /** The cookie that the token may stand in too, such as `__Host-web-access`. */
  readonly cookie?: string | undefined
  /** Whose pages may use the cookie, besides those of the service's own origin, such as `https://app.example`. */
  readonly origins?: readonly string[] | undefined
}

/** What is used of the head of a request. */
export interface RequestHead {
  readonly method: string | undefined
  /** Every header of a name, which is in lower case. */
  headers(name: string): readonly string[]
}

/**
 * Makes the reader of a request's access token. It throws what {@link readBearerToken} throws, and with a cookie
 * {@link CrossSiteRequestError}.
 */
export function tokenReader({ cookie, origins = [] }: AuthenticateOptions): (request: RequestHead) => string {
  if (cookie === undefined) return (request) => readBearerToken(request.headers('authorization'))
  const known = new Set(origins)
  return (request) => {
    const [token, ...others] = cookieValues(request.headers('cookie'), cookie)
    const authorization = request.headers('authorization')
    if (token === undefined) return readBearerToken(authorization)
    // Nobody can say which one of two tokens counts.
    if (others.length > 0 || (isBearer(authorization) && readBearerToken(authorization) !== token)) {
      throw new InvalidRequestError()
    }
    if (hasEffect(request) && !mayUseCookies(sendingPage(request), known)) throw new CrossSiteRequestError()
    return token
  }
}

/** A proxy in between may ask for credentials of its own, which are none of ours. */
function isBearer(headers: readonly string[]): boolean {
  return headers.length > 1 || /^bearer( |$)/i.test(headers[0] ?? '')
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A WebSocket begins with a GET that no CORS holds back. */
function hasEffect({ method = '', headers }: RequestHead): boolean {
  return !safeMethods.has(method) || headers('upgrade').length > 0
}

function sendingPage({ headers }: RequestHead): SendingPage {
  const only = (name: string) => {
    const values = headers(name)
    return values.length > 0 ? values.join(', ') : undefined
  }
  return { origin: only('origin'), site: only('sec-fetch-site') }
}

/** What is used of Node's `IncomingMessage`. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly rawHeaders: readonly string[]
}

/** Node keeps only the first of several `Authorization` headers in `headers`; here they are all. */
function headersOf({ rawHeaders }: NodeRequest, wanted: string): readonly string[] {
  const found: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === wanted.length && name.toLowerCase() === wanted) found.push(rawHeaders[at + 1] ?? '')
  }
  return found
}

/** Makes what verifies the access token of a request that came to Node. */
export function requestVerifier<Claims extends object>(
  source: VerifierSource<Claims>,
  options: AuthenticateOptions,
): (request: NodeRequest) => Promise<AccessToken & Claims> {
  const verifier = toVerifier(source)
  const read = tokenReader(options)
  return async (request) => {
    const token = read({ method: request.method, headers: (name) => headersOf(request, name) })
    return verifier.verify(token, options)
  }
}
