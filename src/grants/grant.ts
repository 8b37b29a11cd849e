import type { Targets } from '../apis/target.ts'
import type { GrantType } from '../protocol/grant-types.ts'
import type { ForeignRefreshToken } from '../sessions/foreign-exchange.ts'
import type { Counting } from '../sessions/refresh-decision.ts'
import type { ShownToken } from '../sessions/session-origin.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { Authorization } from '../tokens/authorization.ts'
import type { LoginName } from '../users/user-authentication.ts'

/** A token request whose client has been authenticated and may use the grant. */
export interface GrantRequest {
  readonly client: ClientRecord
  /** The form, each parameter once, none without a value. */
  readonly parameters: ReadonlyMap<string, string>
  /** The audiences that are open to the client, its default first. */
  readonly targets: Targets
  /** The requested scopes; undefined when none was asked for. */
  readonly scopes: readonly string[] | undefined
  /** RFC 8707 §2. */
  readonly resource: string | undefined
  /** The `Idempotency-Key` header. */
  readonly idempotencyKey: string | undefined
  /** How often a refresh token counts; `once` when undefined. */
  readonly counting: Counting | undefined
  /** See {@link KnownClientRequest.resume}. */
  readonly resume: ShownToken | undefined
  /** See {@link KnownClientRequest.exchange}. */
  readonly exchange: ForeignRefreshToken | undefined
  /** What the password grant's `username` is; a user name when undefined. */
  readonly loginName: LoginName | undefined
  /** See {@link KnownClientRequest.network}. */
  readonly network: string | undefined
  /** See {@link KnownClientRequest.signal}. */
  readonly signal: AbortSignal | undefined
}

/** One `grant_type`: from a request to an authorization, never to a signature. */
export interface Grant {
  readonly type: GrantType
  /** @throws {OAuthError} when the request is refused. */
  authorize(request: GrantRequest): Promise<Authorization>
}
