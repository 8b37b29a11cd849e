import type { ClientRecord } from '../../../clients/client-directory.ts'
import { djangoSettings } from '../../../clients/django-settings.ts'
import type { SessionEnd } from '../../../events/event.ts'
import { second } from '../../../lib/durations.ts'
import type { AccessTokenClaims, JsonObject } from '../../../protocol/claims.ts'
import { RefreshRefusedError } from '../../../sessions/refresh-refused-error.ts'
import type { Authorization } from '../../../tokens/authorization.ts'
import { type ClaimsPresetFunction, djangoUserId } from '../../../tokens/claims-preset.ts'
import type { AccessTokenVerdict } from '../../../tokens/introspection.ts'
import { isIssuedTo } from '../../../tokens/own-token.ts'
import { Authorizations, type Credentials } from '../authorizations.ts'
import { type ApiError, validationError } from '../rest/api-error.ts'
import type { DjangoServices } from '../services.ts'
import { type DrfJwtWords, drfJwtWords } from './package.ts'

/** One token, which is shown to services and exchanged for the next one while it is good. */
export interface DrfJwtAnswer {
  readonly token: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds. */
  readonly expiresIn: number
  readonly userData: JsonObject
}

type ReadToken = Exclude<AccessTokenVerdict, { kind: 'unknown' }>

/** What djangorestframework-jwt's serializers do, done by the core: the token stands for its session. */
export class DrfJwtTokens {
  readonly #services: DjangoServices
  readonly #authorizations: Authorizations

  constructor(services: DjangoServices) {
    this.#services = services
    this.#authorizations = new Authorizations(services)
  }

  /** @throws {ApiError} the same for whatever keeps the user out. */
  async obtain(client: ClientRecord, credentials: Credentials): Promise<DrfJwtAnswer> {
    const login = await this.#authorizations.logIn(client, { ...credentials, refuse: unableToLogIn })
    return this.#issue(login, undefined)
  }

  /** The next token of a session, as long as the session may idle after the login. */
  async refresh(client: ClientRecord, token: string): Promise<DrfJwtAnswer> {
    const words = wordsFor(client)
    const { claims, place } = await this.#check(client, token)
    if (claims.sid === undefined || typeof claims['orig_iat'] !== 'number') {
      throw nonFieldError(words.withoutIssueTime)
    }
    const shown = { sid: claims.sid, place }
    const authorization = await this.#authorizations.resume(client, shown).catch((error) => {
      throw error instanceof RefreshRefusedError ? this.#toError(error, words).because(error) : error
    })
    return this.#issue(authorization, claims)
  }

  async verify(client: ClientRecord, token: string): Promise<DrfJwtAnswer> {
    const { iat, exp } = (await this.#check(client, token)).claims
    return { token, issuedAt: iat, expiresIn: exp - iat, userData: {} }
  }

  /** @throws {ApiError} unless it is a good token of one of the client's users. */
  async #check(client: ClientRecord, token: string): Promise<ReadToken> {
    const words = wordsFor(client)
    const verdict = await this.#services.introspection.judge(token)
    if (verdict.kind === 'unknown') throw nonFieldError(words.undecodable)
    if (verdict.kind === 'expired') throw nonFieldError(words.expired)
    const { claims } = verdict
    if (!isIssuedTo(client, claims) || claims.sid === undefined) throw nonFieldError(words.invalid)
    if (verdict.kind === 'active') return verdict
    throw ended(await this.#services.sessions.findEnd(claims.sid), words)
  }

  async #issue(
    authorization: Authorization,
    before: (AccessTokenClaims & JsonObject) | undefined,
  ): Promise<DrfJwtAnswer> {
    const { response, userData, issuedAt } = await this.#authorizations.issue(
      authorization,
      presetFor(authorization.client, before),
      unableToLogIn,
    )
    return { token: response.access_token, issuedAt, expiresIn: response.expires_in, userData }
  }

  #toError({ reason, endReason }: RefreshRefusedError, words: DrfJwtWords): ApiError {
    if (reason === 'expired') return refreshHasExpired()
    if (reason === 'disabled') return nonFieldError('User account is disabled.')
    return reason === 'ended' ? ended(endReason, words) : nonFieldError(words.invalid)
  }
}

/** `jwt_payload_handler` (`jwt_create_payload` of the fork). The first issue stays, and the user's name may change. */
function presetFor(
  client: ClientRecord,
  before: (AccessTokenClaims & JsonObject) | undefined,
): ClaimsPresetFunction {
  const { tellsEmail, tellsFirstId } = wordsFor(client)
  return (content) => {
    const { user, session, issuedAt } = content
    if (!user) return {}
    return {
      ...toNumber(djangoUserId(content)),
      username: user.username,
      ...(tellsEmail && { email: user.email ?? '' }),
      orig_iat: session ? Math.floor(session.createdAt / second) : issuedAt,
      ...(tellsFirstId && before && { orig_jti: before['orig_jti'] ?? before.jti }),
    }
  }
}

/** These packages write a numeric primary key as a number. */
function toNumber({ user_id: id }: { readonly user_id?: string }): JsonObject {
  if (id === undefined) return {}
  return { user_id: /^(0|[1-9]\d{0,14})$/.test(id) ? Number(id) : id }
}

function wordsFor(client: ClientRecord): DrfJwtWords {
  return drfJwtWords[djangoSettings(client).drfJwtPackage]
}

function ended(reason: SessionEnd | 'expired' | null | undefined, words: DrfJwtWords): ApiError {
  if (reason === 'expired') return refreshHasExpired()
  if (reason === 'user_disabled') return nonFieldError('User account is disabled.')
  if (reason === 'user_deleted') return nonFieldError("User doesn't exist.")
  return nonFieldError(words.revoked)
}

/** What is past the end of its session is refused when it is verified, too. */
function refreshHasExpired(): ApiError {
  return nonFieldError('Refresh has expired.')
}

function unableToLogIn(): ApiError {
  return nonFieldError('Unable to log in with provided credentials.')
}

function nonFieldError(message: string): ApiError {
  return validationError({ non_field_errors: [message] })
}
