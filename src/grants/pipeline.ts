import type { ApiDirectory } from '../apis/api-directory.ts'
import { Targets } from '../apis/target.ts'
import {
  InvalidRequestError,
  UnauthorizedClientError,
  UnsupportedGrantTypeError,
} from '../protocol/errors.ts'
import { type GrantType, isGrantType } from '../protocol/grant-types.ts'
import { parseScope } from '../protocol/scopes.ts'
import type { ForeignRefreshToken } from '../sessions/foreign-exchange.ts'
import type { Counting } from '../sessions/refresh-decision.ts'
import type { ShownToken } from '../sessions/session-origin.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { Authorization } from '../tokens/authorization.ts'
import type { IssuingLoad } from '../tokens/issuing-load.ts'
import type { LoginName } from '../users/user-authentication.ts'
import type { Grant } from './grant.ts'

/** What a token request says besides who sends it. */
export interface KnownClientRequest {
  /** The form, each parameter once, none without a value. */
  readonly parameters: ReadonlyMap<string, string>
  readonly idempotencyKey: string | undefined
  /** How often a refresh token counts; `once` where nothing else is said. */
  readonly counting?: Counting | undefined
  /** An access token of the session to go on with, which was seen in place of a refresh token. */
  readonly resume?: ShownToken | undefined
  /** A refresh token of the issuer before this one, which has been verified, in place of one of ours. */
  readonly exchange?: ForeignRefreshToken | undefined
  /** What `username` is; a user name where nothing else is said. */
  readonly loginName?: LoginName | undefined
  /** Where the request comes from: an IPv4 address or an IPv6 /64; undefined for this machine itself. */
  readonly network: string | undefined
  /** Aborts when nobody waits for the answer any more, so that no password is hashed for it. */
  readonly signal?: AbortSignal | undefined
}

export interface PipelineOptions {
  readonly issuer: string
  readonly apis: ApiDirectory
  readonly grants: readonly Grant[]
  readonly load: IssuingLoad
}

/**
 * The phases of a token request once it is known who asks, in the order that no grant can change: may it use this grant
 * → which scopes and audiences → the grant itself.
 */
export class GrantPipeline {
  readonly #options: PipelineOptions
  readonly #grants: ReadonlyMap<GrantType, Grant>

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#grants = new Map(options.grants.map((grant) => [grant.type, grant]))
  }

  /**
   * @param client has been authenticated, or was named by the installation itself.
   * @throws {OAuthError} the reason why there will be no token.
   * @throws {OverloadedError} when too many tokens are under way; nothing was redeemed, and no password looked at.
   */
  async authorizeKnown(client: ClientRecord, request: KnownClientRequest): Promise<Authorization> {
    const { parameters, idempotencyKey, counting, resume, exchange, loginName, network, signal } = request
    const { apis, issuer, load } = this.#options
    const grant = this.#findGrant(parameters.get('grant_type'))
    if (!client.grants.includes(grant.type)) {
      throw new UnauthorizedClientError(`The client may not use the grant type ${grant.type}.`)
    }
    const scope = parameters.get('scope')
    const asked = {
      client,
      parameters,
      targets: new Targets(client, apis.peek() ?? (await apis.catalogue()), issuer),
      scopes: scope === undefined ? undefined : parseScope(scope),
      resource: parameters.get('resource'),
      idempotencyKey,
      counting,
      resume,
      exchange,
      loginName,
      network,
      signal,
    }
    load.check(grant.type)
    // A password waits in a queue of its own, which takes no place from those who need none.
    return grant.type === 'password' ? grant.authorize(asked) : load.during(() => grant.authorize(asked))
  }

  #findGrant(type: string | undefined): Grant {
    if (type === undefined) throw new InvalidRequestError('The parameter grant_type is missing.')
    const grant = isGrantType(type) ? this.#grants.get(type) : undefined
    if (!grant) {
      throw new UnsupportedGrantTypeError(`The grant types are ${[...this.#grants.keys()].join(', ')}.`)
    }
    return grant
  }
}
