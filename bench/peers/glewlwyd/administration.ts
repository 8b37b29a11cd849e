import { clientSecret, password } from '../credentials.ts'

/** What the plugin signs with, PEM. */
export interface KeyPair {
  readonly privateKey: string
  readonly publicKey: string
}

/** Creates the plugin, a scope, a user and a client, through the administration API and with the password of a new database. */
export async function administer(origin: string, { privateKey, publicKey }: KeyPair): Promise<void> {
  const login = await post(origin, '/auth/', { username: 'admin', password: 'password' })
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
  await post(origin, '/mod/plugin/', oidcPlugin(origin, privateKey, publicKey), cookie)
  await post(
    origin,
    '/scope/',
    { name: 'orders', display_name: 'Orders', password_required: true, scheme: {} },
    cookie,
  )
  await post(
    origin,
    '/user/',
    { username: 'ada', name: 'Ada', password, scope: ['orders'], enabled: true },
    cookie,
  )
  await post(
    origin,
    '/client/',
    {
      client_id: 'service',
      name: 'Service',
      confidential: true,
      enabled: true,
      password: clientSecret,
      // Compared as it is. Without it the password's hash is computed for every request, 20 ms of CPU more.
      client_secret: clientSecret,
      scope: ['orders'],
      authorization_type: ['client_credentials', 'password', 'refresh_token'],
      token_endpoint_auth_method: ['client_secret_basic'],
    },
    cookie,
  )
}

function oidcPlugin(origin: string, privateKey: string, publicKey: string) {
  return {
    module: 'oidc',
    name: 'oidc',
    display_name: 'OpenID Connect',
    order_rank: 0,
    readonly: false,
    parameters: {
      iss: origin,
      'jwt-type': 'rsa',
      'jwt-key-size': '256',
      key: privateKey,
      cert: publicKey,
      'jwks-show': true,
      'access-token-duration': 900,
      'refresh-token-duration': 1_209_600,
      'code-duration': 600,
      'refresh-token-rolling': true,
      'refresh-token-one-use': 'always',
      'allow-non-oidc': true,
      'auth-type-code-enabled': false,
      'auth-type-token-enabled': false,
      'auth-type-id-token-enabled': true,
      'auth-type-password-enabled': true,
      'auth-type-client-enabled': true,
      'auth-type-device-enabled': false,
      'auth-type-refresh-enabled': true,
      'subject-type': 'public',
      'secret-type': 'public',
      'request-parameter-allow': false,
    },
  }
}

async function post(origin: string, path: string, body: unknown, cookie = ''): Promise<Response> {
  const response = await fetch(`${origin}/api${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Cookie: cookie },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return response
}
