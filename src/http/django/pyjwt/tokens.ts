import type { ClientRecord } from '../../../clients/client-directory.ts'
import { djangoSettings } from '../../../clients/django-settings.ts'
import { second } from '../../../lib/durations.ts'
import type { JsonObject } from '../../../protocol/claims.ts'
import { RefreshRefusedError } from '../../../sessions/refresh-refused-error.ts'
import type { Authorization } from '../../../tokens/authorization.ts'
import { type ClaimsPresetFunction, djangoUserId } from '../../../tokens/claims-preset.ts'
import { Authorizations, type Credentials } from '../authorizations.ts'
import { countingFor } from '../counting.ts'
import { RefreshJwts } from '../refresh-jwt.ts'
import type { DjangoServices } from '../services.ts'
import { pyJwtError } from './errors.ts'

const accessPreset: ClaimsPresetFunction = (content) => ({ type: 'access', ...djangoUserId(content) })

/** What the views of the PyJWT recipe do with tokens, done by the core. */
export class PyJwtTokens {
  readonly #services: DjangoServices
  readonly #authorizations: Authorizations
  readonly #refreshJwts: RefreshJwts

  constructor(services: DjangoServices) {
    this.#services = services
    this.#authorizations = new Authorizations(services)
    this.#refreshJwts = new RefreshJwts(services.sessions, 'pyjwt refresh', { type: 'refresh' })
  }

  /** @throws {ApiError} the same for whatever keeps the user out. */
  async logIn(client: ClientRecord, credentials: Credentials): Promise<JsonObject> {
    const login = { ...credentials, by: 'email', refuse: invalidCredentials } as const
    return this.#issue(await this.#authorizations.logIn(client, login))
  }

  /** The answer holds a refresh token where the client is to use another one from now on. */
  async refresh(client: ClientRecord, token: string): Promise<JsonObject> {
    const read = this.#refreshJwts.read(token)
    if (!read) throw pyJwtError(await this.#explain(token))
    const counting = countingFor(client)
    // Where earlier tokens go on counting, each does so to its own end; else the core looks, and notices reuse.
    const isPast = read.exp * second <= this.#services.clock.now()
    if (isPast && counting !== 'once') throw pyJwtError('INVALID_TOKEN')
    const authorization = await this.#authorizations
      .refresh(client, read.refreshToken, { counting })
      .catch((error) => {
        throw error instanceof RefreshRefusedError ? toError(error).because(error) : error
      })
    const { refresh, ...answer } = await this.#issue(authorization)
    const isNew = djangoSettings(client).rotateRefreshTokens || refresh !== token
    return { ...answer, ...(isNew && refresh !== undefined && { refresh }) }
  }

  async #issue(
    authorization: Authorization,
  ): Promise<JsonObject & { readonly access: string; readonly refresh?: string }> {
    const { response, open, userData } = await this.#authorizations.issue(
      authorization,
      accessPreset,
      invalidCredentials,
    )
    const { subject } = authorization
    const { access_token: access, refresh_token: inner } = response
    if (!open || inner === undefined || subject.kind !== 'user') return { ...userData, access }
    const { user_id: userId = subject.id } = djangoUserId({ user: subject })
    return { ...userData, access, refresh: this.#refreshJwts.write(inner, open.session, userId) }
  }

  /** What is wrong with a token that is no refresh token. */
  async #explain(token: string) {
    const { kind } = await this.#services.introspection.judge(token)
    return kind === 'active' ? 'WRONG_TOKEN_TYPE' : 'INVALID_TOKEN'
  }
}

function invalidCredentials() {
  return pyJwtError('INVALID_CREDENTIALS')
}

function toError({ reason, endReason }: RefreshRefusedError) {
  const isGone = reason === 'disabled' || endReason === 'user_disabled' || endReason === 'user_deleted'
  return pyJwtError(isGone ? 'USER_NOT_FOUND' : 'INVALID_TOKEN')
}
