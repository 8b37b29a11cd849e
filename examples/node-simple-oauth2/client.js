import { ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2'

const { ISSUER, AUDIENCE, SCOPE, CLIENT_ID, CLIENT_SECRET, USERNAME, PASSWORD, API_URL } = process.env

const configure = (secret) => ({
  client: { id: CLIENT_ID, secret },
  // A path here begins at the host: an issuer with a path of its own puts it before each.
  auth: { tokenHost: ISSUER, tokenPath: '/oauth2/token', revokePath: '/oauth2/revoke' },
})
const target = { resource: AUDIENCE, scope: SCOPE }

// A service, for itself.
const own = await new ClientCredentials(configure(CLIENT_SECRET)).getToken(target)
const api = await fetch(API_URL, { headers: { Authorization: `Bearer ${own.token.access_token}` } })

// An app with a server of its own, for its user.
const app = new ResourceOwnerPassword(configure(CLIENT_SECRET))
const login = await app.getToken({ ...target, username: USERNAME, password: PASSWORD })
const refreshed = await login.refresh()
// The answer is empty (RFC 7009 §2.2), which the default, `json: 'strict'`, takes for an error.
await refreshed.revoke('refresh_token', { json: true })

// Refusals: the answer's body is in the error's data.
const readCode = (error) => error.data.payload.error
const badSecret = await new ClientCredentials(configure('wrong')).getToken(target).catch(readCode)
const deadRefresh = await refreshed.refresh().catch(readCode)

const pick = ({ token: { access_token, refresh_token } }) => ({ access_token, refresh_token })
console.log(
  JSON.stringify({
    client_credentials: own.token.access_token,
    password: pick(login),
    refresh: pick(refreshed),
    api: api.status,
    revoked: true,
    introspected: null,
    bad_secret: badSecret,
    dead_refresh: deadRefresh,
  }),
)
