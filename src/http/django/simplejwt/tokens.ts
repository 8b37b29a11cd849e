import type { ClientRecord } from '../../../clients/client-directory.ts'
import { djangoSettings } from '../../../clients/django-settings.ts'
import { second } from '../../../lib/durations.ts'
import type { JsonObject } from '../../../protocol/claims.ts'
import { InvalidGrantError } from '../../../protocol/errors.ts'
import type { ForeignRefreshToken } from '../../../sessions/foreign-exchange.ts'
import { RefreshRefusedError } from '../../../sessions/refresh-refused-error.ts'
import type { Authorization } from '../../../tokens/authorization.ts'
import { type ClaimsPresetFunction, djangoUserId, presets } from '../../../tokens/claims-preset.ts'
import { isIssuedTo } from '../../../tokens/own-token.ts'
import { Authorizations, type Credentials } from '../authorizations.ts'
import { countingFor } from '../counting.ts'
import { endOf, RefreshJwts } from '../refresh-jwt.ts'
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

/** SimpleJWT's `SlidingToken`: an access token that tells until when it may be exchanged for the next one. */
const slidingPreset: ClaimsPresetFunction = (content) => ({
  token_type: 'sliding',
  ...(content.session && { refresh_exp: Math.floor(endOf(content.session) / second) }),
  ...djangoUserId(content),
})

/** What SimpleJWT's views do with tokens, done by the core. */
export class SimpleJwtTokens {
  readonly #services: DjangoServices
  readonly #authorizations: Authorizations
  readonly #refreshJwts: RefreshJwts

  constructor(services: DjangoServices) {
    this.#services = services
    this.#authorizations = new Authorizations(services)
    this.#refreshJwts = new RefreshJwts(services.sessions, 'simplejwt refresh', { token_type: 'refresh' })
  }

  /** @throws {ApiError} the same for whatever keeps the user out. */
  async obtainPair(client: ClientRecord, credentials: Credentials): Promise<JsonObject> {
    const login = await this.#login(client, credentials)
    const { access, refresh, userData } = await this.#issuePair(login)
    return { ...userData, ...(refresh !== undefined && { refresh }), access }
  }

  async obtainSliding(client: ClientRecord, credentials: Credentials): Promise<JsonObject> {
    return this.#issueSliding(await this.#login(client, credentials))
  }

  /** The answer holds a refresh token where the client is to use another one from now on. */
  async refreshPair(client: ClientRecord, token: string): Promise<JsonObject> {
    const old = this.#readForeign(token)
    if (old) return this.#exchange(client, old)
    const { refreshToken, exp } = await this.#readRefresh(token)
    const { rotateRefreshTokens, blacklistAfterRotation } = djangoSettings(client)
    const isPast = this.#isPast(exp)
    // Where earlier tokens go on counting, each does so to its own end and no longer.
    if (isPast && !blacklistAfterRotation) throw tokenIsExpired()
    const authorization = await this.#authorizations
      .refresh(client, refreshToken, { counting: countingFor(client) })
      .catch((error) => {
        // The core has looked first, for an old token that is used again ends its session, past its expiry too.
        if (isPast && error instanceof RefreshRefusedError) throw tokenIsExpired()
        throw error instanceof RefreshRefusedError ? toTokenError(error).because(error) : error
      })
    const { access, refresh, inner, userData } = await this.#issuePair(authorization)
    const isNew = rotateRefreshTokens || inner !== refreshToken
    return { ...userData, access, ...(isNew && refresh !== undefined && { refresh }) }
  }

  async refreshSliding(client: ClientRecord, token: string): Promise<JsonObject> {
    const verdict = await this.#services.introspection.judge(token)
    if (verdict.kind === 'unknown')
      throw this.#refreshJwts.read(token) ? tokenHasWrongType() : tokenIsInvalid()
    const { kind, claims, place } = verdict
    if (kind === 'expired') throw tokenIsExpired()
    if (kind === 'revoked') throw tokenIsBlacklisted()
    if (claims['token_type'] !== 'sliding' || claims.sid === undefined) throw tokenHasWrongType()
    if (!isIssuedTo(client, claims)) throw tokenIsInvalid()
    const { refresh_exp: until } = claims
    if (typeof until !== 'number' || this.#isPast(until)) {
      throw tokenNotValid("Token 'refresh_exp' claim has expired")
    }
    const shown = { sid: claims.sid, place }
    const authorization = await this.#authorizations.resume(client, shown).catch((error) => {
      throw error instanceof RefreshRefusedError ? toTokenError(error).because(error) : error
    })
    return this.#issueSliding(authorization)
  }

  /** Whether a token of any kind is good now, whatever it is for. */
  async verify(client: ClientRecord, token: string): Promise<JsonObject> {
    const jwt = this.#refreshJwts.read(token)
    if (jwt) {
      if (this.#isPast(jwt.exp)) throw tokenIsExpired()
      if (!(await this.#counts(client, jwt.refreshToken))) throw verifiedIsBlacklisted()
      return {}
    }
    const foreign = this.#services.foreignTokens?.read(token)
    const counting = countingFor(client)
    if (foreign?.kind === 'refresh' && !(await this.#services.exchanges.counts(foreign, counting))) {
      throw verifiedIsBlacklisted()
    }
    if (foreign?.kind === 'refresh' || foreign?.kind === 'other') return {}
    if (foreign?.kind === 'expired') throw tokenIsExpired()
    const { kind } = await this.#services.introspection.judge(token)
    if (kind === 'unknown') throw tokenIsInvalid()
    if (kind === 'expired') throw tokenIsExpired()
    if (kind === 'revoked') throw verifiedIsBlacklisted()
    return {}
  }

  /** Ends the session, by an earlier token of it too, though that is answered as one that is blacklisted already. */
  async blacklist(client: ClientRecord, token: string): Promise<JsonObject> {
    const old = this.#readForeign(token)
    if (old) {
      if (!(await this.#services.exchanges.blacklist(old, countingFor(client)))) throw tokenIsBlacklisted()
      return {}
    }
    const { refreshToken, exp } = await this.#readRefresh(token)
    if (this.#isPast(exp)) throw tokenIsExpired()
    const counts = await this.#counts(client, refreshToken)
    await this.#services.revocation.revoke(refreshToken, client).catch((error) => {
      throw error instanceof InvalidGrantError ? tokenIsInvalid() : error
    })
    if (!counts) throw tokenIsBlacklisted()
    return {}
  }

  /** Ends the session of an access token. One that says nothing has nothing to end. */
  async logOut(client: ClientRecord, token: string): Promise<JsonObject> {
    const verdict = await this.#services.introspection.judge(token)
    if (verdict.kind === 'unknown') return {}
    const { claims } = verdict
    if (!isIssuedTo(client, claims)) throw tokenIsInvalid()
    if (claims.sid !== undefined) await this.#services.sessions.end(claims.sid)
    return {}
  }

  /** Whether a refresh token would be taken. One of which the answer was lost is, but nobody should hold on to it. */
  async #counts(client: ClientRecord, refreshToken: string): Promise<boolean> {
    const found = await this.#services.sessions.find(refreshToken)
    return found !== undefined && (found.isLatest || !djangoSettings(client).blacklistAfterRotation)
  }

  /**
   * Answers with the pair that takes the place of a token of the project that was the issuer before. A client whose refresh
   * tokens stay the same keeps the old one.
   */
  async #exchange(client: ClientRecord, old: ForeignRefreshToken): Promise<JsonObject> {
    const authorization = await this.#authorizations
      .exchange(client, old, { counting: countingFor(client) })
      .catch((error) => {
        throw error instanceof RefreshRefusedError ? toTokenError(error).because(error) : error
      })
    const { access, refresh, userData } = await this.#issuePair(authorization)
    const isNew = djangoSettings(client).rotateRefreshTokens
    return { ...userData, access, ...(isNew && refresh !== undefined && { refresh }) }
  }

  /** @throws {ApiError} for an authentic one that is past, or of another type. */
  #readForeign(token: string): ForeignRefreshToken | undefined {
    const foreign = this.#services.foreignTokens?.read(token)
    if (foreign?.kind === 'expired') throw tokenIsExpired()
    if (foreign?.kind === 'other') throw tokenHasWrongType()
    return foreign
  }

  #login(client: ClientRecord, credentials: Credentials): Promise<Authorization> {
    return this.#authorizations.logIn(client, { ...credentials, refuse: noActiveAccount })
  }

  async #issuePair(authorization: Authorization) {
    const { response, open, userData } = await this.#authorizations.issue(
      authorization,
      presets.simplejwt,
      noActiveAccount,
    )
    const { subject } = authorization
    const { access_token: access, refresh_token: inner } = response
    if (!open || inner === undefined || subject.kind !== 'user') return { access, userData }
    const { user_id: userId = subject.id } = djangoUserId({ user: subject })
    const refresh = this.#refreshJwts.write(inner, open.session, userId)
    return { access, inner, refresh, userData }
  }

  async #issueSliding(authorization: Authorization): Promise<JsonObject> {
    const { response, userData } = await this.#authorizations.issue(
      authorization,
      slidingPreset,
      noActiveAccount,
    )
    return { ...userData, token: response.access_token }
  }

  async #readRefresh(token: string) {
    const read = this.#refreshJwts.read(token)
    if (read) return read
    const { kind } = await this.#services.introspection.judge(token)
    if (kind === 'unknown') throw tokenIsInvalid()
    throw kind === 'expired' ? tokenIsExpired() : tokenHasWrongType()
  }

  #isPast(seconds: number): boolean {
    return seconds * second <= this.#services.clock.now()
  }
}
