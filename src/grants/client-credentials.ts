import { chooseTarget, grantScopes } from '../apis/target.ts'
import type { Authorization } from '../tokens/authorization.ts'
import type { Grant, GrantRequest } from './grant.ts'

/** A client for itself (RFC 6749 §4.4). There is no session and no refresh token. */
export const clientCredentialsGrant: Grant = {
  type: 'client_credentials',

  async authorize({ client, targets, resource, scopes }: GrantRequest): Promise<Authorization> {
    const target = chooseTarget(targets, resource, scopes)
    return {
      grant: 'client_credentials',
      client,
      target,
      scopes: grantScopes(target, scopes),
      subject: { kind: 'client' },
    }
  },
}
