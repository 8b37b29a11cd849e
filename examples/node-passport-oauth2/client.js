import OAuth2Strategy from 'passport-oauth2'

const { TOKEN_ENDPOINT, AUDIENCE, SCOPE, CLIENT_ID, CLIENT_SECRET, USERNAME, PASSWORD, API_URL } = process.env

/**
 * The token client inside the strategy. The strategy itself sends a browser to an authorization endpoint, which Mintage
 * does not have; this is what is left of it, and what packages such as passport-oauth2-refresh use.
 */
function makeTokenClient(clientSecret) {
  const strategy = new OAuth2Strategy(
    {
      authorizationURL: 'https://authorization.invalid',
      tokenURL: TOKEN_ENDPOINT,
      clientID: CLIENT_ID,
      clientSecret,
    },
    () => undefined,
  )
  return strategy._oauth2
}

const client = makeTokenClient(CLIENT_SECRET)
// Else it puts the access token into the query of every request.
client.useAuthorizationHeaderforGET(true)

function getTokens(grantType, parameters, token, from = client) {
  return new Promise((resolve, reject) => {
    const form = { grant_type: grantType, ...parameters }
    from.getOAuthAccessToken(token, form, (error, access_token, refresh_token) =>
      error ? reject(error) : resolve({ access_token, refresh_token }),
    )
  })
}

const target = { resource: AUDIENCE, scope: SCOPE }
const own = await getTokens('client_credentials', target)
const api = await new Promise((resolve, reject) => {
  client.get(API_URL, own.access_token, (error, _body, response) =>
    error ? reject(error) : resolve(response.statusCode),
  )
})
const login = await getTokens('password', { ...target, username: USERNAME, password: PASSWORD })
const refreshed = await getTokens('refresh_token', {}, login.refresh_token)

// Refusals: the body is text in the error's data. It cannot revoke, so what is refused here is an invented token.
const readCode = (error) => JSON.parse(error.data).error
const badSecret = await getTokens('client_credentials', target, undefined, makeTokenClient('wrong')).catch(
  readCode,
)
const deadRefresh = await getTokens('refresh_token', {}, 'mrt_invented').catch(readCode)

console.log(
  JSON.stringify({
    client_credentials: own.access_token,
    password: login,
    refresh: refreshed,
    api,
    revoked: null,
    introspected: null,
    bad_secret: badSecret,
    dead_refresh: deadRefresh,
  }),
)
