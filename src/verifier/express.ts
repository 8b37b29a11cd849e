import { answerRefusal } from './answer.ts'
import {
  type AuthenticateOptions,
  type NodeRequest,
  requestVerifier,
  type VerifierSource,
} from './authorization.ts'
import type { AccessToken } from './token.ts'

/** What is used of Express's request. */
export interface ExpressRequest extends NodeRequest {
  /** The claims of the token, once the middleware let the request through. */
  auth?: unknown
}

/** What is used of Express's response. */
export interface ExpressResponse {
  status(code: number): ExpressResponse
  set(headers: Record<string, string>): ExpressResponse
  json(body: unknown): unknown
  end(): unknown
}

/** A request that came through {@link authenticate}. */
export type Authenticated<Request, Claims extends object = object> = Request & {
  readonly auth: AccessToken & Claims
}

/**
 * Express middleware: lets a request through when its access token is good, with the claims in `request.auth`; answers
 * 401, 403 or 503 otherwise (RFC 6750 §3).
 */
export function authenticate<Claims extends object = object>(
  source: VerifierSource<Claims>,
  options: AuthenticateOptions = {},
): (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void) => void {
  const verify = requestVerifier(source, options)
  return (request, response, next) => {
    verify(request)
      .then(
        (token) => {
          request.auth = token
          return true
        },
        (error: unknown) => {
          const { status, headers, body } = answerRefusal(error)
          response.status(status).set({ ...headers })
          if (body) response.json(body)
          else response.end()
          return false
        },
      )
      .then((isGood) => isGood && next(), next)
  }
}
