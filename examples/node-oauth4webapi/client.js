import * as oauth from 'oauth4webapi'

const { ISSUER, AUDIENCE, SCOPE, CLIENT_ID, CLIENT_SECRET, PUBLIC_CLIENT_ID, USERNAME, PASSWORD, API_URL } =
  process.env

/** http is refused unless this is said; an issuer on this machine has no other. */
const options = { [oauth.allowInsecureRequests]: ISSUER.startsWith('http://127.0.0.1:') }

const issuer = new URL(ISSUER)
const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }),
)
const target = { resource: AUDIENCE, scope: SCOPE }

// A service, for itself.
const service = { client_id: CLIENT_ID }
const secret = oauth.ClientSecretBasic(CLIENT_SECRET)
const getToken = async (authentication) =>
  oauth.processClientCredentialsResponse(
    as,
    service,
    await oauth.clientCredentialsGrantRequest(as, service, authentication, target, options),
  )
const own = await getToken(secret)
const api = await oauth.protectedResourceRequest(
  own.access_token,
  'GET',
  new URL(API_URL),
  undefined,
  undefined,
  options,
)
const introspection = await oauth.processIntrospectionResponse(
  as,
  service,
  await oauth.introspectionRequest(as, service, secret, own.access_token, options),
)

// An app, for its user: the grant has no function of its own.
const app = { client_id: PUBLIC_CLIENT_ID }
const login = await oauth.processGenericTokenEndpointResponse(
  as,
  app,
  await oauth.genericTokenEndpointRequest(
    as,
    app,
    oauth.None(),
    'password',
    { ...target, username: USERNAME, password: PASSWORD },
    options,
  ),
)
const refresh = async (token) =>
  oauth.processRefreshTokenResponse(
    as,
    app,
    await oauth.refreshTokenGrantRequest(as, app, oauth.None(), token, options),
  )
const refreshed = await refresh(login.refresh_token)
await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, app, oauth.None(), refreshed.refresh_token, options),
)

// Refusals. A 401 has a challenge, so it is another error than a 400, and the code is in its body.
const badSecret = await getToken(oauth.ClientSecretBasic('wrong')).catch(
  async (error) => (await error.response.json()).error,
)
const deadRefresh = await refresh(refreshed.refresh_token).catch((error) => error.error)

const pick = ({ access_token, refresh_token }) => ({ access_token, refresh_token })
console.log(
  JSON.stringify({
    client_credentials: own.access_token,
    password: pick(login),
    refresh: pick(refreshed),
    api: api.status,
    revoked: true,
    introspected: introspection.active,
    bad_secret: badSecret,
    dead_refresh: deadRefresh,
  }),
)
