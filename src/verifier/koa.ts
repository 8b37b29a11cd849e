import { answerRefusal } from './answer.ts'
import {
  type AuthenticateOptions,
  type NodeRequest,
  requestVerifier,
  type VerifierSource,
} from './authorization.ts'

/** What is used of Koa's context. */
export interface KoaContext {
  readonly req: NodeRequest
  /** What the application keeps for this request. */
  readonly state: object
  status: number
  body: unknown
  set(headers: Record<string, string>): void
}

/**
 * Koa middleware: lets a request through when its access token is good, with the claims in `context.state.token`; answers
 * 401, 403 or 503 otherwise (RFC 6750 §3).
 */
export function authenticate<Claims extends object = object>(
  source: VerifierSource<Claims>,
  options: AuthenticateOptions = {},
): (context: KoaContext, next: () => Promise<unknown>) => Promise<void> {
  const verify = requestVerifier(source, options)
  return async (context, next) => {
    try {
      Object.assign(context.state, { token: await verify(context.req) })
    } catch (error) {
      const { status, headers, body } = answerRefusal(error)
      context.status = status
      context.set({ ...headers })
      context.body = body ?? ''
      return
    }
    await next()
  }
}
