import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { ClientRecord } from '../../clients/client-directory.ts'
import type { KnownClientRequest } from '../../grants/pipeline.ts'
import { InvalidGrantError } from '../../protocol/errors.ts'
import type { ForeignRefreshToken } from '../../sessions/foreign-exchange.ts'
import type { ShownToken } from '../../sessions/session-origin.ts'
import type { Authorization } from '../../tokens/authorization.ts'
import type { ClaimsPresetFunction } from '../../tokens/claims-preset.ts'
import type { IssuedTokens } from '../../tokens/mint.ts'
import type { LoginName } from '../../users/user-authentication.ts'
import type { ApiError } from './rest/api-error.ts'
import type { DjangoServices } from './services.ts'

/** A name and a password, and the request that they came with. */
export interface Credentials {
  readonly name: string
  readonly password: string
  readonly request: IncomingMessage
}

/** The credentials in the cleaned fields of a login. */
export function readLogin(
  fields: ReadonlyMap<string, string>,
  usernameField: string,
  { req: request }: Context,
): Credentials {
  return { name: fields.get(usernameField) ?? '', password: fields.get('password') ?? '', request }
}

/** What is logged in with, and what a wire format says to whoever is not let in. */
export interface Login extends Credentials {
  readonly by?: LoginName
  readonly refuse: () => ApiError
}

/** The core's grants and mint, as the wire formats ask for them: for a client that is known already. */
export class Authorizations {
  readonly #services: DjangoServices

  constructor(services: DjangoServices) {
    this.#services = services
  }

  /** @throws {ApiError} the same for whatever keeps the user out. */
  logIn(client: ClientRecord, { name, password, request, by, refuse }: Login): Promise<Authorization> {
    const parameters = { grant_type: 'password', username: name, password }
    const network = this.#services.networks.find(request)
    return this.#authorize(client, parameters, { loginName: by, network }).catch((error) => {
      throw error instanceof InvalidGrantError ? refuse() : error
    })
  }

  /** Redeems a refresh token of the core. @throws {RefreshRefusedError} by its rules. */
  refresh(
    client: ClientRecord,
    refreshToken: string,
    options: Pick<KnownClientRequest, 'counting'>,
  ): Promise<Authorization> {
    return this.#authorize(client, { grant_type: 'refresh_token', refresh_token: refreshToken }, options)
  }

  /** Exchanges a refresh token of the project that was the issuer before. @throws {RefreshRefusedError} by the rules. */
  exchange(
    client: ClientRecord,
    exchange: ForeignRefreshToken,
    options: Pick<KnownClientRequest, 'counting'>,
  ): Promise<Authorization> {
    return this.#authorize(client, { grant_type: 'refresh_token' }, { exchange, ...options })
  }

  /** Goes on with a session whose access token was shown. @throws {RefreshRefusedError} by the rules of refreshing. */
  resume(client: ClientRecord, shown: ShownToken): Promise<Authorization> {
    return this.#authorize(client, { grant_type: 'refresh_token' }, { resume: shown })
  }

  /** @param refuse what to say when the account ended between the password and the session. */
  issue(
    authorization: Authorization,
    preset: ClaimsPresetFunction,
    refuse: () => ApiError,
  ): Promise<IssuedTokens> {
    return this.#services.mint.issueWithSession({ ...authorization, preset }).catch((error) => {
      throw error instanceof InvalidGrantError ? refuse() : error
    })
  }

  #authorize(
    client: ClientRecord,
    parameters: Readonly<Record<string, string>>,
    options: Partial<Omit<KnownClientRequest, 'parameters' | 'idempotencyKey'>>,
  ): Promise<Authorization> {
    return this.#services.pipeline.authorizeKnown(client, {
      parameters: new Map(Object.entries(parameters)),
      idempotencyKey: undefined,
      network: undefined,
      ...options,
    })
  }
}
