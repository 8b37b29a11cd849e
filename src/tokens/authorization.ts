import type { Target } from '../apis/target.ts'
import type { JsonObject } from '../protocol/claims.ts'
import type { GrantType } from '../protocol/grant-types.ts'
import type { OpenSession } from '../sessions/session-service.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { ClaimsPresetFunction } from './claims-preset.ts'

/** What a grant comes to: who may have which token. Every grant ends in one, and only the mint turns it into tokens. */
export interface Authorization {
  readonly grant: GrantType
  readonly client: ClientRecord
  readonly target: Target
  readonly scopes: readonly string[]
  readonly subject: AuthorizedSubject
  /** What the token says besides, in place of what its API's preset says. */
  readonly preset?: ClaimsPresetFunction
}

export type AuthorizedSubject =
  /** The client itself; it gets no session (RFC 6749 §4.4.3). */
  | { readonly kind: 'client' }
  /** A user, and the session to go with the token. */
  | {
      readonly kind: 'user'
      readonly id: string
      readonly username: string
      readonly email: string | null
      readonly claims: JsonObject
      readonly open: () => Promise<OpenSession>
    }

/** The successful answer of the token endpoint (RFC 6749 §5.1). Lives are in seconds. */
export interface TokenResponse {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly scope?: string
  readonly refresh_token?: string
  readonly refresh_token_expires_in?: number
}
