import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import * as oauth from 'oauth4webapi'
import { member, startChildInstallation } from '../support/child-installation.ts'
import { type ChildIssuer, startChildIssuer } from '../support/child-issuer.ts'

const options = { [oauth.allowInsecureRequests]: true }
const password = 'correct horse battery staple'

/** What a client and a service know of an issuer before they ask it anything. */
interface Known {
  readonly issuer: URL
  readonly clientId: string
  readonly secret: string
  readonly publicClientId: string
  readonly username: string
  readonly password: string
  readonly audience: string
}

/** One `mintage dev` for all tests that need no more. */
let dev: { readonly child: ChildIssuer; readonly directory: string } | undefined

test.before(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  dev = { directory, child: await startChildIssuer(['dev', '--port', '0', '--data', directory, '--json']) }
})

test.after.always(async () => {
  await dev?.child.end()
  if (dev) rmSync(dev.directory, { recursive: true, force: true })
})

function readDev(): Known {
  const ready = dev?.child.ready
  return {
    issuer: new URL(member(ready, 'issuer')),
    clientId: member(ready, 'client_id'),
    secret: member(ready, 'client_secret'),
    publicClientId: member(ready, 'public_client_id'),
    username: member(ready, 'username'),
    password: member(ready, 'password'),
    audience: member(ready, 'audience'),
  }
}

/** A configured issuer whose name has a path, and a client whose id needs encoding in HTTP Basic. */
async function startWithPath(t: ExecutionContext, path: string): Promise<Known> {
  const installation = await startChildInstallation(t, { path })
  const audience = 'https://api.example'
  const clientId = 'billing/one@example'
  const grants = ['password', 'refresh_token'] as const
  const { secret } = await installation.prepare(async ({ apis, clients, users }) => {
    await apis.create(audience, { scopes: ['orders:read', 'orders:write'] })
    await clients.create('app', true, { grants, audiences: [audience] })
    await users.create('ada', { password })
    return clients.create(clientId, false, {
      grants: ['client_credentials', ...grants],
      audiences: [audience],
    })
  })
  await installation.serve()
  return {
    issuer: new URL(installation.issuer),
    clientId,
    secret: secret ?? '',
    publicClientId: 'app',
    username: 'ada',
    password,
    audience,
  }
}

async function discover(issuer: URL, algorithm: 'oauth2' | 'oidc'): Promise<oauth.AuthorizationServer> {
  const response = await oauth.discoveryRequest(issuer, { ...options, algorithm })
  return oauth.processDiscoveryResponse(issuer, response)
}

/** What the client reports of an answer with a challenge. */
async function readChallenge(t: ExecutionContext, answer: Promise<unknown>): Promise<Response> {
  const error = await t.throwsAsync(answer, { instanceOf: oauth.WWWAuthenticateChallengeError })
  t.is(error.status, 401)
  t.is(error.cause[0]?.scheme, 'basic')
  t.truthy(error.cause[0]?.parameters.realm)
  return error.response
}

/** All of it, as a client and a service that know nothing but the issuer's name would do it. */
async function exercise(t: ExecutionContext, known: Known): Promise<void> {
  const as = await discover(known.issuer, 'oauth2')
  t.deepEqual(await discover(known.issuer, 'oidc'), as)

  /** A service that accepts the token (RFC 9068 §4). */
  const accept = (token: string) => {
    const request = new Request(`${known.audience}/orders`, { headers: { Authorization: `Bearer ${token}` } })
    return oauth.validateJwtAccessToken(as, request, known.audience, options)
  }

  const service: oauth.Client = { client_id: known.clientId }
  const basic = oauth.ClientSecretBasic(known.secret)
  for (const authentication of [basic, oauth.ClientSecretPost(known.secret)]) {
    const answer = await oauth.processClientCredentialsResponse(
      as,
      service,
      await oauth.clientCredentialsGrantRequest(
        as,
        service,
        authentication,
        { scope: 'orders:read' },
        options,
      ),
    )
    t.is(answer.scope, 'orders:read')
    t.is(answer.refresh_token, undefined)
    const claims = await accept(answer.access_token)
    t.is(claims.client_id, known.clientId)
    t.is(claims.sub, known.clientId)
    t.is(claims.scope, 'orders:read')
    t.is(claims.exp - claims.iat, answer.expires_in ?? 0)
  }

  const app: oauth.Client = { client_id: known.publicClientId }
  const logins = [
    [service, basic],
    [service, oauth.ClientSecretPost(known.secret)],
    [app, oauth.None()],
  ] as const
  for (const [client, authentication] of logins) {
    const form = { username: known.username, password: known.password }
    const login = await oauth.processGenericTokenEndpointResponse(
      as,
      client,
      await oauth.genericTokenEndpointRequest(as, client, authentication, 'password', form, options),
    )
    const claims = await accept(login.access_token)
    t.is(claims.client_id, client.client_id)
    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, authentication, login.refresh_token ?? '', options),
    )
    t.not(refreshed.refresh_token, login.refresh_token)
    const refreshedClaims = await accept(refreshed.access_token)
    t.is(refreshedClaims.sub, claims.sub)
    t.is(refreshedClaims['sid'], claims['sid'])
    t.not(refreshedClaims.jti, claims.jti)

    const introspect = async (token: string) =>
      oauth.processIntrospectionResponse(
        as,
        service,
        await oauth.introspectionRequest(as, service, basic, token, options),
      )
    // The service is registered for the audience, so it is concerned with the other client's access token too.
    t.like(await introspect(refreshed.access_token), { active: true, sub: claims.sub })
    t.is((await introspect(refreshed.refresh_token ?? '')).active, client === service)

    const revocation = { ...options, additionalParameters: { token_type_hint: 'access_token' } }
    const { refresh_token: last = '' } = refreshed
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, client, authentication, last, revocation),
    )
    t.deepEqual(await introspect(refreshed.access_token), { active: false })
    const error = await t.throwsAsync(
      async () =>
        oauth.processRefreshTokenResponse(
          as,
          client,
          await oauth.refreshTokenGrantRequest(as, client, authentication, last, options),
        ),
      { instanceOf: oauth.ResponseBodyError },
    )
    t.is(error.error, 'invalid_grant')
  }
}

test('a strict client does everything with `mintage dev`, and a strict service accepts the tokens (row 27)', async (t) => {
  await exercise(t, readDev())
})

for (const path of ['/tenants/one', '/tenants/one/', '/realms/a:b(c)*']) {
  test(`the same with an issuer whose name ends with ${path} (row 27)`, async (t) => {
    await exercise(t, await startWithPath(t, path))
  })
}

test('a failed client authentication is a 401 with a challenge that the client can read (row 4)', async (t) => {
  const known = readDev()
  const as = await discover(known.issuer, 'oauth2')
  const service: oauth.Client = { client_id: known.clientId }
  const wrong = [oauth.ClientSecretBasic('wrong'), oauth.ClientSecretPost('wrong'), oauth.None()]
  for (const authentication of wrong) {
    const response = await readChallenge(
      t,
      oauth
        .clientCredentialsGrantRequest(as, service, authentication, {}, options)
        .then((answer) => oauth.processClientCredentialsResponse(as, service, answer)),
    )
    t.like(await response.json(), { error: 'invalid_client' })
    await readChallenge(
      t,
      oauth
        .introspectionRequest(as, service, authentication, 'token', options)
        .then((answer) => oauth.processIntrospectionResponse(as, service, answer)),
    )
    await readChallenge(
      t,
      oauth
        .revocationRequest(as, service, authentication, 'token', options)
        .then(oauth.processRevocationResponse),
    )
  }
})

test('every refusal is an error body that the client can read (rows 6, 7, 11)', async (t) => {
  const known = readDev()
  const as = await discover(known.issuer, 'oauth2')
  const service: oauth.Client = { client_id: known.clientId }
  const app: oauth.Client = { client_id: known.publicClientId }
  const secret = oauth.ClientSecretBasic(known.secret)
  const login = { username: known.username, password: known.password }
  const refusals = [
    [service, secret, 'client_credentials', { scope: 'orders:delete' }, 'invalid_scope'],
    [service, secret, 'client_credentials', { scope: 'orders:"read"' }, 'invalid_scope'],
    [service, secret, 'client_credentials', { resource: 'https://other.example' }, 'invalid_target'],
    [service, secret, 'password', { ...login, password: 'wrong' }, 'invalid_grant'],
    [service, secret, 'password', { username: known.username }, 'invalid_request'],
    [service, secret, 'refresh_token', { refresh_token: 'mrt_invented' }, 'invalid_grant'],
    [service, secret, 'urn:example:unknown', {}, 'unsupported_grant_type'],
    [app, oauth.None(), 'client_credentials', {}, 'unauthorized_client'],
  ] as const
  for (const [client, authentication, grant, form, expected] of refusals) {
    const error = await t.throwsAsync(
      async () =>
        oauth.processGenericTokenEndpointResponse(
          as,
          client,
          await oauth.genericTokenEndpointRequest(as, client, authentication, grant, { ...form }, options),
        ),
      { instanceOf: oauth.ResponseBodyError },
      expected,
    )
    t.is(error.status, 400)
    t.is(error.error, expected)
    // RFC 6749 §5.2 allows these characters and no others.
    t.regex(error.error_description ?? '', /^[\x20\x21\x23-\x5B\x5D-\x7E]+$/)
  }
})

test('a strict service refuses a token of another audience and one that was tampered with', async (t) => {
  const known = readDev()
  const as = await discover(known.issuer, 'oauth2')
  const service: oauth.Client = { client_id: known.clientId }
  const { access_token: token } = await oauth.processClientCredentialsResponse(
    as,
    service,
    await oauth.clientCredentialsGrantRequest(
      as,
      service,
      oauth.ClientSecretBasic(known.secret),
      {},
      options,
    ),
  )
  const validate = (presented: string, audience: string) => {
    const request = new Request(audience, { headers: { Authorization: `Bearer ${presented}` } })
    return oauth.validateJwtAccessToken(as, request, audience, options)
  }
  t.is((await validate(token, known.audience)).aud, known.audience)
  await t.throwsAsync(validate(token, 'https://other.example'), { code: oauth.JWT_CLAIM_COMPARISON })
  const [header, payload, signature = ''] = token.split('.')
  const flipped = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)
  await t.throwsAsync(validate(`${header}.${payload}.${flipped}`, known.audience), {
    code: oauth.INVALID_RESPONSE,
  })
})
