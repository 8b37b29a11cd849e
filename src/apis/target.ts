import type { ClaimsPreset, TokenTyp } from '../protocol/claims.ts'
import { InvalidScopeError, InvalidTargetError } from '../protocol/errors.ts'
import { isWithin } from '../protocol/scopes.ts'
import type { ApiRecord } from '../store/api-table.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { ApiCatalogue } from './api-catalogue.ts'

/** What a token is for: one audience, and what its API says of tokens. */
export interface Target {
  readonly audience: string
  /** All scopes that the client may have there. */
  readonly scopes: readonly string[]
  /** Milliseconds; null: the installation's. */
  readonly accessTokenTtl: number | null
  readonly typ: TokenTyp
  readonly claimsPreset: ClaimsPreset
}

/**
 * The audiences that are open to a client, its default first: those it is registered for, in that order, or every
 * API of the installation. An installation without APIs has one audience, the issuer itself. However many there
 * are, a request looks up the one that it is about.
 */
export class Targets {
  readonly #client: Pick<ClientRecord, 'audiences' | 'scopes'>
  readonly #apis: ApiCatalogue
  readonly #issuer: string

  constructor(client: Pick<ClientRecord, 'audiences' | 'scopes'>, apis: ApiCatalogue, issuer: string) {
    this.#client = client
    this.#apis = apis
    this.#issuer = issuer
  }

  /** The one of this audience. */
  find(audience: string): Target | undefined {
    const { audiences } = this.#client
    if (this.#isIssuerAlone) return audience === this.#issuer ? this.#ofIssuer() : undefined
    if (audiences && !audiences.includes(audience)) return undefined
    const api = this.#apis.find(audience)
    return api && this.#of(api)
  }

  /**
   * The one of this audience for which the client's sessions may be refreshed: one that is open to it, or the issuer
   * itself, for a session that began before the first API came.
   */
  findOfSession(audience: string): Target | undefined {
    const isIssuer = audience === this.#issuer && this.#client.audiences === null
    return this.find(audience) ?? (isIssuer ? this.#ofIssuer() : undefined)
  }

  /** The first that has every one of these scopes. */
  findWith(scopes: readonly string[]): Target | undefined {
    const { audiences, scopes: own } = this.#client
    if (own && !isWithin(scopes, own)) return undefined
    if (this.#isIssuerAlone) return isWithin(scopes, own ?? []) ? this.#ofIssuer() : undefined
    const candidates = this.#apis.candidates(scopes)
    if (candidates.length === 0) return undefined
    const hasAll = (api: ApiRecord | undefined) => api !== undefined && isWithin(scopes, api.scopes)
    const audience = audiences?.find((each) => hasAll(this.#apis.find(each)))
    const api = audiences ? audience !== undefined && this.#apis.find(audience) : candidates.find(hasAll)
    return api ? this.#of(api) : undefined
  }

  /** The client's default. */
  get first(): Target | undefined {
    return this.findWith([])
  }

  get #isIssuerAlone(): boolean {
    return this.#client.audiences === null && this.#apis.all.length === 0
  }

  #of(api: ApiRecord): Target {
    const { scopes } = this.#client
    return {
      audience: api.audience,
      scopes: scopes ? api.scopes.filter((scope) => scopes.includes(scope)) : api.scopes,
      accessTokenTtl: api.accessTokenTtl,
      typ: api.typ,
      claimsPreset: api.claimsPreset,
    }
  }

  #ofIssuer(): Target {
    return {
      audience: this.#issuer,
      scopes: this.#client.scopes ?? [],
      accessTokenTtl: null,
      typ: 'at+jwt',
      claimsPreset: 'rfc9068',
    }
  }
}

/**
 * Chooses the audience: the one that `resource` names (RFC 8707 §2), else the first that has every requested
 * scope (RFC 9068 §3), else the client's default.
 * @throws {InvalidTargetError} when there is none, or `resource` names one that is not open to the client.
 */
export function chooseTarget(
  targets: Targets,
  resource: string | undefined,
  scopes: readonly string[] | undefined,
): Target {
  const chosen =
    resource === undefined ? (targets.findWith(scopes ?? []) ?? targets.first) : targets.find(resource)
  if (chosen) return chosen
  throw new InvalidTargetError(
    resource === undefined
      ? 'No API is open to this client.'
      : 'The resource is unknown, or not open to this client.',
  )
}

/**
 * The scopes of a token: those requested, or all that the client may have there when none is (RFC 6749 §3.3).
 * @throws {InvalidScopeError} when one is beyond what the client may have.
 */
export function grantScopes(target: Target, requested: readonly string[] | undefined): readonly string[] {
  if (requested === undefined) return target.scopes
  if (!isWithin(requested, target.scopes)) {
    throw new InvalidScopeError('A requested scope is unknown, or not open to this client at this audience.')
  }
  return requested
}
