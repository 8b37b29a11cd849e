import type { ClaimsPreset, TokenTyp } from '../protocol/claims.ts'
import { InvalidScopeError, InvalidTargetError } from '../protocol/errors.ts'
import { isWithin } from '../protocol/scopes.ts'
import type { ApiRecord } from '../store/api-table.ts'
import type { ClientRecord } from '../store/client-table.ts'

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
 * API of the installation. An installation without APIs has one audience, the issuer itself.
 */
export function listTargets(
  client: Pick<ClientRecord, 'audiences' | 'scopes'>,
  apis: readonly ApiRecord[],
  issuer: string,
): readonly Target[] {
  if (client.audiences === null && apis.length === 0) return [issuerTarget(issuer, client)]
  const open = client.audiences
    ? client.audiences.flatMap((audience) => apis.find((api) => api.audience === audience) ?? [])
    : apis
  return open.map(
    (api): Target => ({
      audience: api.audience,
      scopes: client.scopes ? api.scopes.filter((scope) => client.scopes?.includes(scope)) : api.scopes,
      accessTokenTtl: api.accessTokenTtl,
      typ: api.typ,
      claimsPreset: api.claimsPreset,
    }),
  )
}

/**
 * The audiences for which a client's sessions may be refreshed: those that are open to it, and the issuer itself, for
 * a session that began before the first API came.
 */
export function listSessionTargets(
  client: Pick<ClientRecord, 'audiences' | 'scopes'>,
  targets: readonly Target[],
  issuer: string,
): readonly Target[] {
  return client.audiences === null ? [...targets, issuerTarget(issuer, client)] : targets
}

function issuerTarget(issuer: string, { scopes }: Pick<ClientRecord, 'scopes'>): Target {
  return {
    audience: issuer,
    scopes: scopes ?? [],
    accessTokenTtl: null,
    typ: 'at+jwt',
    claimsPreset: 'rfc9068',
  }
}

/**
 * Chooses the audience: the one that `resource` names (RFC 8707 §2), else the first that has every requested
 * scope (RFC 9068 §3), else the client's default.
 * @throws {InvalidTargetError} when there is none, or `resource` names one that is not open to the client.
 */
export function chooseTarget(
  targets: readonly Target[],
  resource: string | undefined,
  scopes: readonly string[] | undefined,
): Target {
  const chosen =
    resource === undefined
      ? (targets.find((target) => isWithin(scopes ?? [], target.scopes)) ?? targets[0])
      : targets.find((target) => target.audience === resource)
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
