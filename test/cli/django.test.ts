import test from 'ava'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { postJson, tokenOf } from '../support/django.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { decodeClaims } from '../support/oauth.ts'

test('the endpoints of SimpleJWT answer from the executable, for the client of their variable', async (t) => {
  const environment = { ...serveEnvironment(makeDirectory(t)), MINTAGE_SIMPLEJWT_CLIENT: 'web' }
  await registerAccounts(environment)
  const create = ['client', 'create', '--id', 'web', '--public', '--grant', 'password', 'refresh_token']
  const settings = ['--sliding-tokens', 'off', '--rotate-refresh-tokens', 'on', '--username-field', 'login']
  const created = await runMintage([...create, ...settings, '--json'], environment)
  t.is(created.code, 0, created.stderr)
  const updated = await runMintage(
    [
      'client',
      'update',
      'web',
      '--blacklist-after-rotation',
      'off',
      '--username-field',
      'username',
      '--json',
    ],
    environment,
  )
  t.deepEqual(JSON.parse(updated.stdout).django, {
    sliding_tokens: false,
    rotate_refresh_tokens: true,
    blacklist_after_rotation: false,
    username_field: 'username',
  })
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const ask = (path: string, body: unknown) => postJson(`${issuer.url}/api/token/${path}`, body)
  const refresh = tokenOf(await ask('', { username: 'ada', password }), 'refresh')
  const next = tokenOf(await ask('refresh/', { refresh }), 'refresh')
  t.deepEqual((await ask('verify/', { token: next })).body, {})
  t.deepEqual((await ask('blacklist/', { refresh: next })).body, {})
  t.is((await ask('refresh/', { refresh: next })).status, 401)
  t.is(await issuer.end(), 0)
})

test('the endpoints of djangorestframework-jwt and of the PyJWT recipe answer from the executable', async (t) => {
  const environment = {
    ...serveEnvironment(makeDirectory(t)),
    MINTAGE_DRF_JWT_CLIENT: 'web',
    MINTAGE_PYJWT_CLIENT: 'web',
  }
  await registerAccounts(environment)
  const create = ['client', 'create', '--id', 'web', '--public', '--grant', 'password', 'refresh_token']
  const settings = [
    '--drf-jwt-package',
    'drf-jwt',
    '--auth-cookie',
    'JWT',
    '--token-data',
    '{"n":"$username"}',
  ]
  const data = ['--answer-data', '{"user":"$username"}']
  const created = await runMintage([...create, ...settings, ...data, '--json'], environment)
  t.is(created.code, 0, created.stderr)
  const wrong = [
    [['--auth-cookie', '__Host-a'], /__Host-/],
    [['--answer-data', '{"token":"$id"}'], /have token already/],
    [['--token-data', '{"sub":"$id"}'], /Only the issuer sets sub/],
    [['--token-data', '{"a":["$name"]}'], /not "\$name"/],
  ] as const
  for (const [options, complaint] of wrong) {
    const refused = await runMintage(['client', 'update', 'web', ...options], environment)
    t.is(refused.code, 1)
    t.regex(refused.stderr, complaint)
  }
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const ask = (path: string, body: unknown) => postJson(`${issuer.url}${path}`, body)
  const obtained = await ask('/api-token-auth/', { username: 'ada', password })
  t.is(obtained.status, 201)
  t.is(obtained.body['user'], 'ada')
  t.is(obtained.headers.getSetCookie().length, 1)
  const token = tokenOf(obtained, 'token')
  t.is(decodeClaims(token)['n'], 'ada')
  t.is((await ask('/api-token-refresh/', { token })).status, 201)
  t.is((await ask('/api-token-verify/', { token })).status, 201)
  const pair = await ask('/auth/login/', { email: 'ada@example.org', password })
  t.is((await ask('/auth/refresh/', { refresh: tokenOf(pair, 'refresh') })).status, 200)
  t.is(await issuer.end(), 0)
})

test("dev speaks SimpleJWT's format for its public client", async (t) => {
  const data = makeDirectory(t)
  const issuer = await startChildIssuer(['dev', '--port', '0', '--data', data, '--json'])
  t.teardown(() => issuer.end('SIGKILL'))
  const { username, password: secret } = issuer.ready
  const answer = await postJson(`${issuer.url}/api/token/`, { username, password: secret })
  t.is(answer.status, 200)
  t.is(await issuer.end(), 0)
})

test('serve warns of a client that does not exist, and a wrong setting is refused with what is expected', async (t) => {
  const environment = { ...serveEnvironment(makeDirectory(t)), MINTAGE_SIMPLEJWT_CLIENT: 'web' }
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  t.is((await postJson(`${issuer.url}/api/token/`, {})).status, 503)
  t.is(await issuer.end(), 0)
  t.regex(issuer.output(), /MINTAGE_SIMPLEJWT_CLIENT is web, but there is no such client/)
  const wrong = await runMintage(
    ['client', 'create', '--id', 'a', '--public', '--sliding-tokens', 'of'],
    environment,
  )
  t.is(wrong.code, 2)
  t.regex(wrong.stderr, /on, off|Did you mean off/i)
  const field = await runMintage(
    ['client', 'create', '--id', 'a', '--public', '--username-field', 'a b'],
    environment,
  )
  t.is(field.code, 1)
  t.regex(field.stderr, /user name's field/)
})
