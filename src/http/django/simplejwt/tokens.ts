import type { ClientRecord } from '../../../clients/client-directory.ts'
import { djangoSettings } from '../../../clients/django-settings.ts'
import { second } from '../../../lib/durations.ts'
import type { JsonObject } from '../../../protocol/claims.ts'
import { InvalidGrantError } from '../../../protocol/errors.ts'
import type { Counting } from '../../../sessions/refresh-decision.ts'
import { RefreshRefusedError } from '../../../sessions/refresh-refused-error.ts'
import type { Authorization } from '../../../tokens/authorization.ts'
import { type ClaimsPresetFunction, djangoUserId, presets } from '../../../tokens/claims-preset.ts'
import { isIssuedTo } from '../../../tokens/own-token.ts'
import type { DjangoServices } from '../services.ts'
import {
  noActiveAccount,
  tokenHasWrongType,
  tokenIsBlacklisted,
  tokenIsExpired,
  tokenIsInvalid,
  tokenNotValid,
  toTokenError,
  verifiedIsBlacklisted,
} from './errors.ts'
import { readRefreshJwt, refreshJwtPurpose, writeRefreshJwt } from './refresh-jwt.ts'

/** SimpleJWT's `SlidingToken`: an access token that tells until when it may be exchanged for the next one. */
const slidingPreset: ClaimsPresetFunction = (content) => ({
  token_type: 'sliding',
  ...(content.session && { refresh_exp: Math.floor(endOf(content.session) / second) }),
  ...djangoUserId(content),
})

/** What SimpleJWT's views do with tokens, done by the core. */
export class SimpleJwtTokens {
  readonly #services: DjangoServices

  constructor(services: DjangoServices) {
    this.#services = services
  }

  /** @throws {ApiError} the same for whatever keeps the user out. */
  async obtainPair(client: ClientRecord, username: string, password: string): Promise<JsonObject> {
    const { access, refresh } = await this.#issuePair(await this.#login(client, username, password))
    return { ...(refresh !== undefined && { refresh }), access }
  }

  async obtainSliding(client: ClientRecord, username: string, password: string): Promise<JsonObject> {
    return this.#issueSliding(await this.#login(client, username, password))
  }

  /** The answer holds a refresh token where the client is to use another one from now on. */
  async refreshPair(client: ClientRecord, token: string): Promise<JsonObject> {
    const { refreshToken, exp } = await this.#readRefresh(token)
    const { rotateRefreshTokens, blacklistAfterRotation } = djangoSettings(client)
    const isPast = this.#isPast(exp)
    // Where earlier tokens go on counting, each does so to its own end and no longer.
    if (isPast && !blacklistAfterRotation) throw tokenIsExpired()
    const counting: Counting = !rotateRefreshTokens
      ? 'always'
      : blacklistAfterRotation
        ? 'once'
        : 'until_expiry'
    const authorization = await this.#services.pipeline
      .authorizeKnown(client, {
        parameters: new Map([
          ['grant_type', 'refresh_token'],
          ['refresh_token', refreshToken],
        ]),
        idempotencyKey: undefined,
        counting,
      })
      .catch((error) => {
        // The core has looked first, for an old token that is used again ends its session, past its expiry too.
        if (isPast && error instanceof RefreshRefusedError) throw tokenIsExpired()
        throw error instanceof RefreshRefusedError ? toTokenError(error) : error
      })
    const { access, refresh, inner } = await this.#issuePair(authorization)
    const isNew = rotateRefreshTokens || inner !== refreshToken
    return { access, ...(isNew && refresh !== undefined && { refresh }) }
  }

  async refreshSliding(client: ClientRecord, token: string): Promise<JsonObject> {
    const verdict = await this.#services.introspection.judge(token)
    if (verdict.kind === 'unknown') throw this.#isRefresh(token) ? tokenHasWrongType() : tokenIsInvalid()
    const { kind, claims } = verdict
    if (kind === 'expired') throw tokenIsExpired()
    if (kind === 'revoked') throw tokenIsBlacklisted()
    if (claims['token_type'] !== 'sliding' || claims.sid === undefined) throw tokenHasWrongType()
    if (!isIssuedTo(client, claims)) throw tokenIsInvalid()
    const { refresh_exp: until } = claims
    if (typeof until !== 'number' || this.#isPast(until)) {
      throw tokenNotValid("Token 'refresh_exp' claim has expired")
    }
    const authorization = await this.#services.pipeline
      .authorizeKnown(client, {
        parameters: new Map([['grant_type', 'refresh_token']]),
        idempotencyKey: undefined,
        resume: claims.sid,
      })
      .catch((error) => {
        throw error instanceof RefreshRefusedError ? toTokenError(error) : error
      })
    return this.#issueSliding(authorization)
  }

  /** Whether a token of any kind is good now, whatever it is for. */
  async verify(token: string): Promise<JsonObject> {
    const jwt = this.#parseRefresh(token)
    if (jwt) {
      if (this.#isPast(jwt.exp)) throw tokenIsExpired()
      if (!(await this.#services.sessions.find(jwt.refreshToken))?.isLatest) throw verifiedIsBlacklisted()
      return {}
    }
    const { kind } = await this.#services.introspection.judge(token)
    if (kind === 'unknown') throw tokenIsInvalid()
    if (kind === 'expired') throw tokenIsExpired()
    if (kind === 'revoked') throw verifiedIsBlacklisted()
    return {}
  }

  /** Ends the session, by an earlier token of it too, though that is answered as one that is blacklisted already. */
  async blacklist(client: ClientRecord, token: string): Promise<JsonObject> {
    const { refreshToken, exp } = await this.#readRefresh(token)
    if (this.#isPast(exp)) throw tokenIsExpired()
    const found = await this.#services.sessions.find(refreshToken)
    if (!found) throw tokenIsBlacklisted()
    await this.#services.revocation.revoke(refreshToken, client).catch((error) => {
      throw error instanceof InvalidGrantError ? tokenIsInvalid() : error
    })
    if (!found.isLatest) throw tokenIsBlacklisted()
    return {}
  }

  #login(client: ClientRecord, username: string, password: string): Promise<Authorization> {
    const parameters = new Map([
      ['grant_type', 'password'],
      ['username', username],
      ['password', password],
    ])
    return this.#services.pipeline
      .authorizeKnown(client, { parameters, idempotencyKey: undefined })
      .catch((error) => {
        throw error instanceof InvalidGrantError ? noActiveAccount() : error
      })
  }

  async #issuePair(authorization: Authorization) {
    const { response, open } = await this.#services.mint
      .issueWithSession({ ...authorization, preset: presets.simplejwt })
      .catch((error) => {
        // The account ended between the password and the session.
        throw error instanceof InvalidGrantError ? noActiveAccount() : error
      })
    const { subject } = authorization
    const { access_token: access, refresh_token: inner } = response
    if (!open || inner === undefined || subject.kind !== 'user') return { access }
    const { user_id: userId = subject.id } = djangoUserId({ user: subject })
    const { session } = open
    const times = { issuedAt: session.rotatedAt, expiresAt: endOf(session) }
    return { access, inner, refresh: writeRefreshJwt({ refreshToken: inner, ...times, userId }, this.#keyOf) }
  }

  async #issueSliding(authorization: Authorization): Promise<JsonObject> {
    const { response } = await this.#services.mint
      .issueWithSession({ ...authorization, preset: slidingPreset })
      .catch((error) => {
        throw error instanceof InvalidGrantError ? noActiveAccount() : error
      })
    return { token: response.access_token }
  }

  async #readRefresh(token: string) {
    const read = this.#parseRefresh(token)
    if (read) return read
    const { kind } = await this.#services.introspection.judge(token)
    if (kind === 'unknown') throw tokenIsInvalid()
    throw kind === 'expired' ? tokenIsExpired() : tokenHasWrongType()
  }

  readonly #keyOf = (refreshToken: string) =>
    this.#services.sessions.presentationKey(refreshToken, refreshJwtPurpose)

  #parseRefresh(token: string) {
    return readRefreshJwt(token, this.#keyOf)
  }

  #isRefresh(token: string): boolean {
    return this.#parseRefresh(token) !== undefined
  }

  #isPast(seconds: number): boolean {
    return seconds * second <= this.#services.clock.now()
  }
}

/** When a session ends unless it is refreshed, in milliseconds since the epoch. */
function endOf(session: { readonly idleExpiresAt: number; readonly expiresAt: number }): number {
  return Math.min(session.idleExpiresAt, session.expiresAt)
}
