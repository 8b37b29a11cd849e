import type { Context } from 'koa'
import type { ApiDirectory } from '../../apis/api-directory.ts'
import { grantTypes } from '../../protocol/grant-types.ts'
import { answerJson } from '../json-answer.ts'

/** The issuer without a slash at its end: what endpoints are appended to. */
export function endpointBase(issuer: string): string {
  return issuer.replace(/\/+$/, '')
}

/** The path of the issuer, without a slash at its end; empty when it has none. */
export function issuerPath(issuer: string): string {
  return endpointBase(new URL(issuer).pathname)
}

/**
 * `GET /.well-known/oauth-authorization-server` (RFC 8414 §2), and as `openid-configuration`, which many libraries
 * look for. Every URL comes from the configured issuer, none from the request.
 */
export function metadataEndpoint(issuer: string, apis: ApiDirectory): (context: Context) => Promise<void> {
  const base = endpointBase(issuer)
  const clientAuthentication = ['client_secret_basic', 'client_secret_post']
  const constant = {
    issuer,
    token_endpoint: `${base}/oauth2/token`,
    jwks_uri: `${base}/.well-known/jwks.json`,
    introspection_endpoint: `${base}/oauth2/introspect`,
    revocation_endpoint: `${base}/oauth2/revoke`,
    status_list_aggregation_endpoint: `${base}/status-lists`,
    grant_types_supported: [...grantTypes],
    token_endpoint_auth_methods_supported: [...clientAuthentication, 'none'],
    introspection_endpoint_auth_methods_supported: clientAuthentication,
    revocation_endpoint_auth_methods_supported: [...clientAuthentication, 'none'],
    // There is no authorization endpoint, so there is nothing to list; both documents require the members.
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
  return async (context) => {
    const scopes = (await apis.list()).flatMap((api) => api.scopes)
    context.set('Cache-Control', 'public, max-age=300')
    answerJson(context, { ...constant, scopes_supported: [...new Set(scopes)] })
  }
}
