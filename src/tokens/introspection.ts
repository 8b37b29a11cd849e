import type { KeyObject } from 'node:crypto'
import type { ApiDirectory } from '../apis/api-directory.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Clock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'
import type { AccessTokenClaims, JsonObject } from '../protocol/claims.ts'
import { looksLikeRefreshToken } from '../sessions/refresh-token.ts'
import type { SessionService } from '../sessions/session-service.ts'
import type { Status } from '../status/status.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { StatusReference } from '../store/status-change.ts'
import type { Store } from '../store/store.ts'
import { isIssuedTo, readOwnToken } from './own-token.ts'

/** RFC 7662 §2.2: what a token says, or that it is not active and nothing more. */
export type IntrospectionResponse = JsonObject & { readonly active: boolean }

export interface IntrospectionOptions {
  readonly issuer: string
  readonly keys: { publicKey(kid: string): KeyObject | undefined }
  readonly store: Store
  readonly sessions: SessionService
  readonly status: Pick<Status, 'placeOf' | 'isRevoked'>
  readonly clients: ClientDirectory
  readonly apis: ApiDirectory
  readonly clock: Clock
}

/** What an access token is worth. */
export type AccessTokenVerdict =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'expired' | 'revoked' | 'active'
      readonly claims: AccessTokenClaims & JsonObject
      /** Where its status is told. */
      readonly place: StatusReference | undefined
    }

const inactive: IntrospectionResponse = { active: false }

/** Tells a concerned client what a token is worth now. Asking changes nothing. */
export class Introspection {
  readonly #options: IntrospectionOptions

  constructor(options: IntrospectionOptions) {
    this.#options = options
  }

  async introspect(token: string, caller: ClientRecord): Promise<IntrospectionResponse> {
    return looksLikeRefreshToken(token)
      ? this.#introspectRefreshToken(token, caller)
      : this.#introspectAccessToken(token, caller)
  }

  /** What any access token of this issuer is worth now, whoever asks; for who may not see more than that. */
  async judge(token: string): Promise<AccessTokenVerdict> {
    const claims = readOwnToken(token, this.#options.issuer, this.#options.keys)
    if (!claims) return { kind: 'unknown' }
    const place = this.#options.status.placeOf(claims.status)
    if (this.#options.clock.now() >= claims.exp * second) return { kind: 'expired', claims, place }
    const kind = (await this.#isLive(claims)) ? 'active' : 'revoked'
    return { kind, claims, place }
  }

  async #introspectRefreshToken(token: string, caller: ClientRecord): Promise<IntrospectionResponse> {
    const found = await this.#options.sessions.find(token)
    if (!found?.isLatest || found.session.client !== caller.id) return inactive
    const { session } = found
    const user = await this.#options.store.users.findById(session.user)
    if (!user || user.disabledAt !== null) return inactive
    return {
      active: true,
      ...(session.scope !== '' && { scope: session.scope }),
      client_id: caller.clientId,
      username: user.username,
      iat: Math.floor(session.rotatedAt / second),
      exp: Math.floor(Math.min(session.idleExpiresAt, session.expiresAt) / second),
      sub: session.user,
      aud: session.audience,
      iss: this.#options.issuer,
      sid: session.sid,
    }
  }

  async #introspectAccessToken(token: string, caller: ClientRecord): Promise<IntrospectionResponse> {
    const claims = readOwnToken(token, this.#options.issuer, this.#options.keys)
    if (!claims || this.#options.clock.now() >= claims.exp * second) return inactive
    if (!(await this.#isConcerned(caller, claims)) || !(await this.#isLive(claims))) return inactive
    // The protocol's members last: a free claim may have their names.
    return { ...claims, active: true, token_type: 'Bearer' }
  }

  /**
   * The client that the token was issued to, and one registered for its audience: by name, or as the API's own. To
   * be open to every audience is not to be registered for one.
   */
  async #isConcerned(caller: ClientRecord, claims: AccessTokenClaims): Promise<boolean> {
    if (isIssuedTo(caller, claims) || caller.audiences?.includes(claims.aud)) return true
    const api = await this.#options.apis.find(claims.aud)
    return api?.introspectionClient === caller.id
  }

  async #isLive(claims: AccessTokenClaims): Promise<boolean> {
    const issuedTo = (await this.#options.clients.find(claims.client_id))?.client
    if (!issuedTo || !isIssuedTo(issuedTo, claims)) return false
    if (issuedTo.disabledAt !== null || claims.iat * second < issuedTo.tokensVoidUntil) return false
    if (claims.sid !== undefined) {
      const session = await this.#options.sessions.findBySid(claims.sid)
      const user = session && (await this.#options.store.users.findById(session.user))
      if (!user || user.disabledAt !== null) return false
    }
    const place = this.#options.status.placeOf(claims.status)
    return !place || !(await this.#options.status.isRevoked(place))
  }
}
