import * as client from 'openid-client'

const { ISSUER, AUDIENCE, SCOPE, CLIENT_ID, CLIENT_SECRET, PUBLIC_CLIENT_ID, USERNAME, PASSWORD, API_URL } =
  process.env

/** http is refused unless this is said; an issuer on this machine has no other. */
const execute = ISSUER.startsWith('http://127.0.0.1:') ? [client.allowInsecureRequests] : []
const discover = (id, authentication) =>
  client.discovery(new URL(ISSUER), id, undefined, authentication, { execute, algorithm: 'oauth2' })
const target = { resource: AUDIENCE, scope: SCOPE }

// A service, for itself. Without an authentication named, the secret goes into the body.
const service = await discover(CLIENT_ID, client.ClientSecretBasic(CLIENT_SECRET))
const own = await client.clientCredentialsGrant(service, target)
const api = await client.fetchProtectedResource(service, own.access_token, new URL(API_URL), 'GET')
const introspection = await client.tokenIntrospection(service, own.access_token)

// An app, for its user: the grant has no function of its own.
const app = await discover(PUBLIC_CLIENT_ID, client.None())
const login = await client.genericGrantRequest(app, 'password', {
  ...target,
  username: USERNAME,
  password: PASSWORD,
})
const refreshed = await client.refreshTokenGrant(app, login.refresh_token)
await client.tokenRevocation(app, refreshed.refresh_token)

// Refusals. A 401 has a challenge, so it is another error than a 400, and the code is in its body.
const impostor = await discover(CLIENT_ID, client.ClientSecretBasic('wrong'))
const badSecret = await client
  .clientCredentialsGrant(impostor, target)
  .catch(async (error) => error.error ?? (await error.response.json()).error)
const deadRefresh = await client.refreshTokenGrant(app, refreshed.refresh_token).catch((error) => error.error)

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
