import { answerRefusal } from './answer.ts'
import {
  type AuthenticateOptions,
  type NodeRequest,
  requestVerifier,
  type VerifierSource,
} from './authorization.ts'
import type { AccessToken } from './token.ts'

/** What is used of Fastify's request. */
export interface FastifyRequest {
  readonly raw: NodeRequest
}

/** What is used of Fastify's reply. */
export interface FastifyReply {
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  send(payload?: unknown): unknown
}

/** A request that came through {@link authenticate}: its claims are in `request.token`. */
export type Authenticated<Request, Claims extends object = object> = Request & {
  readonly token: AccessToken & Claims
}

/**
 * A Fastify hook, for `onRequest` or `preHandler`: lets a request through when its access token is good, with the claims
 * in `request.token`; answers 401, 403 or 503 otherwise (RFC 6750 §3).
 */
export function authenticate<Claims extends object = object>(
  source: VerifierSource<Claims>,
  options: AuthenticateOptions = {},
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  const verify = requestVerifier(source, options)
  return async (request, reply) => {
    try {
      Object.assign(request, { token: await verify(request.raw) })
      return undefined
    } catch (error) {
      const { status, headers, body } = answerRefusal(error)
      reply.code(status)
      reply.headers({ ...headers })
      // Returned, so that Fastify knows that the request ends here.
      return reply.send(body ?? '')
    }
  }
}
