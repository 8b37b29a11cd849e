/**
 * node-oidc-provider as its documentation wants it in production: keys and cookie keys given, no development
 * interactions, access tokens as JWT for a resource server. Started by the benchmark with its settings in JSON.
 */
import Provider from 'oidc-provider'
import { createAdapter } from './adapter.mjs'

const { port, jwks, cookieKey, clientSecret, openid, database, driver } = JSON.parse(
  process.env.BENCH_SETTINGS,
)
const day = 86_400
const resource = 'https://api.example'
const scope = 'orders:read orders:write'
const oidcScope = openid ? 'openid offline_access' : 'offline_access'

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: await createAdapter(database, driver),
  jwks,
  cookies: { keys: [cookieKey] },
  clients: [
    {
      client_id: 'service',
      client_secret: clientSecret,
      grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['https://app.example/callback'],
      scope: `${oidcScope} ${scope}`,
    },
  ],
  scopes: ['openid', 'offline_access', ...scope.split(' ')],
  ttl: { AccessToken: 900, ClientCredentials: 900, RefreshToken: 90 * day, Grant: 90 * day },
  // Its default leaves a confidential client its refresh token until 70 % of its life are over.
  rotateRefreshToken: true,
  expiresWithSession: async () => false,
  findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => resource,
      useGrantedResource: async () => true,
      getResourceServerInfo: async () => ({
        scope,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 900,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
})

/**
 * Only the benchmark has this route. The provider has no password grant, and a login in a browser is not what is
 * measured; so sessions are made by its own models, as a code grant leaves them. The scope `openid` is a variant of its
 * own, for it adds the signature of an ID token to every refresh.
 */
provider.use(async (context, next) => {
  if (context.path !== '/bench/session') return next()
  const client = await provider.Client.find('service')
  const accountId = 'ada'
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  grant.addOIDCScope(oidcScope)
  grant.addResourceScope(resource, scope)
  const refreshToken = new provider.RefreshToken({
    accountId,
    client,
    grantId: await grant.save(),
    gty: 'authorization_code',
    resource,
    scope: `${oidcScope} ${scope}`,
    authTime: Math.floor(Date.now() / 1_000),
    rotations: 0,
    expiresWithSession: false,
  })
  context.body = { refresh_token: await refreshToken.save() }
})

const server = provider.listen(port, '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
