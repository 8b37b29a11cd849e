import { answerRefusal } from './answer.ts'
import { type AuthenticateOptions, tokenReader, toVerifier, type VerifierSource } from './authorization.ts'
import type { AccessToken } from './token.ts'

/** What is used of a `Request`. */
export interface FetchRequest {
  readonly method?: string
  readonly headers: { get(name: string): string | null }
}

/** What is used of Hono's context. */
export interface HonoContext {
  readonly req: { readonly raw: FetchRequest }
  set(key: 'token', value: unknown): void
}

/**
 * Hono middleware: lets a request through when its access token is good, with the claims in `context.get('token')`;
 * answers 401, 403 or 503 otherwise (RFC 6750 §3).
 */
export function authenticate<Claims extends object = object>(
  source: VerifierSource<Claims>,
  options: AuthenticateOptions = {},
  // biome-ignore lint/suspicious/noConfusingVoidType: what Hono's own next and middleware return
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | void> {
  const verify = verifierOrAnswer(source, options)
  return async (context, next) => {
    const token = await verify(context.req.raw)
    if (token instanceof Response) return token
    context.set('token', token)
    return next()
  }
}

/**
 * A handler of the shape that Next, workers, Deno and Bun have, around one that is also given the claims; requests
 * without a good access token are answered with 401, 403 or 503 (RFC 6750 §3). Further arguments are handed through.
 */
export function protect<
  Request extends FetchRequest,
  Rest extends readonly unknown[],
  Claims extends object = object,
>(
  source: VerifierSource<Claims>,
  handle: (request: Request, token: AccessToken & Claims, ...rest: Rest) => Response | Promise<Response>,
  options: AuthenticateOptions = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  const verify = verifierOrAnswer(source, options)
  return async (request, ...rest) => {
    const token = await verify(request)
    return token instanceof Response ? token : handle(request, token, ...rest)
  }
}

function verifierOrAnswer<Claims extends object>(
  source: VerifierSource<Claims>,
  options: AuthenticateOptions,
): (request: FetchRequest) => Promise<(AccessToken & Claims) | Response> {
  const verifier = toVerifier(source)
  const read = tokenReader(options)
  return async ({ method, headers }) => {
    const headersOf = (name: string) => {
      const value = headers.get(name)
      return value === null ? [] : [value]
    }
    try {
      return await verifier.verify(read({ method, headers: headersOf }), options)
    } catch (error) {
      return toResponse(error)
    }
  }
}

function toResponse(error: unknown): Response {
  const { status, headers, body } = answerRefusal(error)
  if (!body) return new Response(null, { status, headers })
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'Content-Type': 'application/json' },
  })
}
