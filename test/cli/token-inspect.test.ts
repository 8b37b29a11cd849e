import { createPrivateKey, createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SignJWT } from 'jose'
import { runMintage, runMintageBatch } from '../support/child-issuer.ts'
import { startDjango } from '../support/django.ts'
import { audience, password, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { decodeClaims } from '../support/oauth.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'

const environmentOf = (issuer: TestIssuer) => ({
  MINTAGE_ISSUER: issuer.url,
  MINTAGE_DATABASE_URL: issuer.databaseUrl,
  MINTAGE_KEYS_DIR: issuer.keysDir,
})

/** Signs with the key of the installation what it would never sign. */
async function forge(
  issuer: TestIssuer,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  const keys = await issuer.administration.keys.list()
  const kid = keys.find(({ state }) => state === 'current')?.kid ?? ''
  const pem = createPrivateKey(readFileSync(join(issuer.keysDir, `${kid}.pem`)))
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid, ...header }).sign(pem)
}

test('token inspect says of every token what it is and each thing that is wrong with it', async (t) => {
  const issuer = await startTestIssuer(t)
  const good = await clientToken(issuer)
  const claims = decodeClaims(good)
  const [header = '', payload = '', signature = ''] = good.split('.')
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const revoked = await clientToken(issuer)
  await ask(issuer, 'revoke', { token: revoked })
  const ended = await login(issuer)
  await ask(issuer, 'revoke', { token: ended.refresh_token })
  const live = await login(issuer)
  const redeemed = await login(issuer)
  await refresh(issuer, redeemed.refresh_token)
  const now = Math.floor(Date.now() / 1_000)
  const cases: readonly (readonly [string, readonly string[], readonly RegExp[]])[] = [
    [good, [], []],
    [good, ['--audience', audience], []],
    [live.access_token, [], []],
    [live.refresh_token, [], []],
    [
      good,
      ['--audience', 'https://other.example'],
      [/meant for "https:\/\/api.example", and not for "https:\/\/other/],
    ],
    [`${header}.${payload}.${signature.slice(0, -4)}AAAA`, [], [/signature does not match/]],
    [`${header}.${encode({ ...claims, sub: 'root' })}.${signature}`, [], [/signature does not match/]],
    [`${encode({ alg: 'none', kid: 'x' })}.${payload}.`, [], [/alg "none"/, /typ nothing/]],
    [`${encode({ alg: 'HS256', typ: 'at+jwt' })}.${payload}.AAAA`, [], [/alg "HS256"/]],
    [
      `${encode({ alg: 'RS256', typ: 'at+jwt', kid: 'foreign' })}.${payload}.AAAA`,
      [],
      [/key "foreign" is unknown/],
    ],
    [
      await forge(issuer, { ...claims, exp: now - 300, iat: now - 600 }),
      [],
      [/expired 5m ago|expired 30\ds ago/],
    ],
    [await forge(issuer, { ...claims, iat: now + 3_600, exp: now + 7_200 }), [], [/issued in the future/]],
    [
      await forge(issuer, { ...claims, iss: 'https://evil.example' }, { typ: 'JWT' }),
      [],
      [/issuer is "https:\/\/evil/, /typ "JWT"/],
    ],
    [await forge(issuer, { ...claims, exp: now + 100 * 86_400 }), [], [/lives longer than is accepted/]],
    [await forge(issuer, { iss: issuer.url, aud: audience }), [], [/no sub/, /no jti/, /no exp/, /no iat/]],
    [await forge(issuer, { ...claims, client_id: 'gone' }), [], [/client "gone" was deleted/]],
    [revoked, [], [/It was revoked: its place/]],
    [ended.access_token, [], [/session ended .*: revoked_by_client/]],
    [ended.refresh_token, [], [/session ended .*: revoked_by_client/]],
    [redeemed.refresh_token, [], [/redeemed already/]],
    [`${live.refresh_token.slice(0, -4)}AAAA`, [], [/not authentic/]],
    [live.refresh_token.slice(0, 40), [], [/cut or has characters too many/]],
    ['a.b.c.d.e', [], [/five parts, as an encrypted token/]],
    ['no-token', [], [/not a JWS: .* this has 1/]],
    ['{"payload":"x"}', [], [/It is JSON/]],
    ['a.b.c', [], [/first part is not a JSON object/, /second part/]],
    ['', [], [/It is empty/]],
  ]
  const results = await runMintageBatch(
    cases.map(([token, options]) => ['token', 'inspect', token, ...options, '--json']),
    environmentOf(issuer),
  )
  t.is(results.length, cases.length)
  for (const [index, [token, , problems]] of cases.entries()) {
    const { code = null, stdout = '', stderr = '' } = results[index] ?? {}
    const what = `${problems.join(' ')}: ${stdout}${stderr}`
    const report = JSON.parse(stdout)
    t.is(code, problems.length === 0 ? 0 : 1, what)
    t.is(report.good, problems.length === 0, what)
    for (const problem of problems)
      t.true(
        report.problems.some((each: string) => problem.test(each)),
        what,
      )
    t.is(report.problems.length === 0, problems.length === 0, what)
    for (const part of [signature, live.refresh_token, ended.refresh_token]) t.false(stdout.includes(part))
    if (token === live.refresh_token)
      t.like(report.session, { user: 'ada', client: 'service', generation: 0 })
    if (token === good) t.deepEqual(report.claims, claims)
  }
  await issuer.administration.clients.disable('service')
  const refused = await runMintage(['token', 'inspect', '--json'], environmentOf(issuer), `Bearer ${good}\n`)
  t.is(refused.code, 1)
  t.regex(JSON.parse(refused.stdout).problems.join(), /client "service" is disabled/)
})

test('people read the findings on stderr and the claims in columns', async (t) => {
  const issuer = await startTestIssuer(t)
  const token = await forge(issuer, {
    ...decodeClaims(await clientToken(issuer)),
    note: '\u001b[2J\r\nforged',
  })
  const { code, stdout, stderr } = await runMintage(['token', 'inspect'], environmentOf(issuer), token)
  t.deepEqual([code, stderr], [0, ''])
  t.regex(stdout, /^token +an access token\ngood +yes\nheader\.alg +RS256\n/)
  t.regex(stdout, /\ntime\.exp +20\d\d-/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  t.notRegex(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

test('with --issuer a token is held against what that issuer publishes, and no database is touched', async (t) => {
  const issuer = await startTestIssuer(t)
  const token = await clientToken(issuer)
  const inspect = (...args: readonly string[]) =>
    runMintage(
      ['token', 'inspect', ...args, '--json'],
      { MINTAGE_DATABASE_URL: 'sqlite:/nowhere/at/all.db' },
      token,
    )
  const good = await inspect('--issuer', issuer.url, '--audience', audience)
  t.is(good.code, 0, good.stdout + good.stderr)
  t.true(JSON.parse(good.stdout).good)
  const other = await startTestIssuer(t, { issuer: 'https://other.example' })
  for (const [url, said] of [
    [`${issuer.url}/`, /calls itself/],
    [other.url, /calls itself "https:\/\/other\.example"/],
    ['http://127.0.0.1:1', /cannot be fetched/],
    ['nonsense', /An issuer is an https URL/],
  ] as const) {
    const { code, stderr } = await inspect('--issuer', url)
    t.is(code, 1)
    t.regex(stderr, said)
    t.regex(stderr, /^mintage: [^\n]+\n$/)
  }
})

test('token inspect tells a refresh token in the form of the Django packages, around one of ours or from a project', async (t) => {
  const { issuer, post } = await startDjango(t, 'MINTAGE_SIMPLEJWT_CLIENT')
  const { body } = await post('/api/token/', { username: 'ada', password })
  const own = String(body['refresh'])
  const theirs = await new SignJWT({ token_type: 'refresh', jti: 'abc', user_id: '7' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(createSecretKey(Buffer.from('the signing key of some Django project')))
  const [ours, foreign] = await runMintageBatch(
    [own, theirs].map((token) => ['token', 'inspect', token, '--json']),
    environmentOf(issuer),
  )
  t.is(ours?.code, 0, ours?.stderr)
  const report = JSON.parse(ours?.stdout ?? '')
  t.like(report, {
    kind: 'refresh_token',
    good: true,
    session: { user: 'ada', client: 'web', generation: 0 },
  })
  t.regex(report.notes.join(), /form of the Django packages/)
  t.is(foreign?.code, 1)
  t.like(JSON.parse(foreign?.stdout ?? ''), { kind: 'refresh_token', good: false })
  t.regex(foreign?.stdout ?? '', /refresh token of a Django project, and none of Mintage/)
})
