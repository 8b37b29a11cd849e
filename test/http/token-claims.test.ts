import test from 'ava'
import { AdminError } from '../../src/admin/admin-error.ts'
import { minute, second } from '../../src/lib/durations.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import {
  audience,
  openTestIssuer,
  startTestIssuer,
  TestClock,
  type TestIssuer,
} from '../support/in-process-issuer.ts'
import { basic, decodeClaims } from '../support/oauth.ts'
import { ask, clientToken, login, until } from '../support/requests.ts'

const Sqlite = loadSqliteDriver()

const header = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
const grants = ['client_credentials', 'password', 'refresh_token'] as const

let issuer: TestIssuer
test.before(async () => {
  issuer = await openTestIssuer()
})
test.after.always(() => issuer.stop())

/** What only the issuer may set (interface.md, "Access token"). */
const own = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'sid', 'status', 'scope', 'nbf'] as const

test('a session token has the header and the claims of RFC 9068, and those alone', async (t) => {
  const { access_token } = await login(issuer)
  const { kid, ...rest } = header(access_token)
  t.deepEqual(rest, { alg: 'RS256', typ: 'at+jwt' })
  t.regex(kid, /^[\w-]{43}$/)
  const { iat, exp, jti, sid, status, ...claims } = decodeClaims(access_token)
  t.deepEqual(claims, {
    iss: issuer.url,
    sub: issuer.user.id,
    aud: audience,
    client_id: 'service',
    scope: 'orders:read orders:write',
  })
  t.is(Number(exp) - Number(iat), 900)
  t.true(Number.isInteger(iat))
  t.regex(String(jti), /^[\w.-]{22,}$/)
  t.regex(String(sid), /^ses_[\w-]{22}$/)
  t.regex(
    JSON.stringify(status),
    /^{"status_list":{"idx":\d+,"uri":"http:[^"]+\/status-lists\/lst_[\w-]{22}"}}$/,
  )
})

test('security 8: client_credentials gives no refresh token and no session', async (t) => {
  const answer = await ask(issuer, 'token', { grant_type: 'client_credentials' })
  t.deepEqual(Object.keys(answer.body).sort(), ['access_token', 'expires_in', 'scope', 'token_type'])
  t.false('sid' in decodeClaims(String(answer.body['access_token'])))
})

test('security 8: the subject of a client is its client_id, which no user id can be', async (t) => {
  const token = await clientToken(issuer)
  t.is(decodeClaims(token)['sub'], 'service')
  t.regex(issuer.user.id, /^usr_/)
  const { clients } = issuer.administration
  for (const id of [issuer.user.id, 'usr_x', 'usr_']) {
    await t.throwsAsync(clients.create(id, false, { grants: ['client_credentials'] }), {
      instanceOf: AdminError,
    })
  }
})

for (const name of own) {
  test(`security 10: neither a request, a user nor a client sets ${name}`, async (t) => {
    const { users, clients } = issuer.administration
    const claims = { [name]: 'forged-value' }
    await t.throwsAsync(users.create(`forger-${name}`, { claims }), { instanceOf: AdminError })
    await t.throwsAsync(clients.create(`forger-${name}`, false, { claims }), { instanceOf: AdminError })
    await t.throwsAsync(clients.update('service', { claims }), { instanceOf: AdminError })
    if (name !== 'scope' && name !== 'client_id') {
      for (const token of [await clientToken(issuer, claims), (await login(issuer, claims)).access_token]) {
        t.false(JSON.stringify(decodeClaims(token)).includes('forged-value'))
      }
    }
  })
}

test('security 10: what got past administration into the database does not replace a protocol claim either', async (t) => {
  const forged = await startTestIssuer(t)
  const names = own.filter((name) => name !== 'nbf' && name !== 'status')
  const database = new Sqlite(forged.databaseUrl.slice('sqlite:'.length))
  const claims = JSON.stringify(Object.fromEntries([...names, 'free'].map((name) => [name, 'forged-value'])))
  database.prepare('UPDATE users SET claims = ?').run(claims)
  database.close()
  const session = decodeClaims((await login(forged)).access_token)
  t.is(session['free'], 'forged-value')
  for (const name of names) t.not(session[name], 'forged-value', name)
})

test('free claims of client and user are in the token, the user’s over the client’s', async (t) => {
  const { clients, users } = issuer.administration
  const { secret } = await clients.create('shop', false, { grants, claims: { tier: 'gold', shop: 7 } })
  const headers = basic({ id: 'shop', secret: secret ?? '' })
  const claims = {
    tier: 'silver',
    roles: ['editor'],
    'https://example.org/nested': { a: [1, null] },
    ünï: '✓',
  }
  await users.create('eve', { claims, password: 'correct horse battery staple' })
  const { access_token } = await login(issuer, { username: 'eve' }, headers)
  const session = decodeClaims(access_token)
  for (const [name, value] of Object.entries({ shop: 7, ...claims })) t.deepEqual(session[name], value)
  t.is(decodeClaims(await clientToken(issuer, {}, headers))['tier'], 'gold')
})

test('the largest free claims still make a token that a verifier takes, in any script', async (t) => {
  const { clients, users } = issuer.administration
  for (const character of ['x', 'ü', '字', '🔑']) {
    const largest = async (accepts: (text: string) => Promise<unknown>) => {
      let text = ''
      // From the top: the first that is accepted is the largest of these.
      for (let length = 4_096; length > 0; length -= 256) {
        text = character.repeat(Math.floor(length / character.length))
        if (
          await accepts(text).then(
            () => true,
            () => false,
          )
        )
          return text
      }
      return ''
    }
    const id = `large-${character.codePointAt(0)}`
    let secret = ''
    t.not(
      await largest(async (text) => {
        secret = (await clients.create(id, false, { grants, claims: { c: text } })).secret ?? ''
      }),
      '',
    )
    t.not(
      await largest((text) =>
        users.create(id, { claims: { u: text }, password: 'correct horse battery staple' }),
      ),
      '',
    )
    const { access_token } = await login(issuer, { username: id }, basic({ id, secret }))
    t.true(access_token.length <= 16_384)
  }
})

test('the shortest of what API and client say is the life of the token', async (t) => {
  const clock = new TestClock()
  const own = await startTestIssuer(t, { clock, environment: { MINTAGE_ACCESS_TOKEN_TTL: '10m' } })
  const { apis, clients } = own.administration
  await apis.create('https://short.example', { scopes: ['a'], accessTokenTtl: 2 * minute })
  await apis.create('https://long.example', { scopes: ['b'], accessTokenTtl: 60 * minute })
  const plain = await clients.create('plain', false, { grants })
  const brief = await clients.create('brief', false, {
    grants,
    accessTokenTtl: 3 * minute,
    sessionTtl: 100 * second,
  })
  const life = async (client: { secret: string | undefined }, id: string, resource: string) => {
    const form = { grant_type: 'client_credentials', resource }
    const answer = await ask(own, 'token', form, basic({ id, secret: client.secret ?? '' }))
    const { iat, exp } = decodeClaims(String(answer.body['access_token']))
    t.is(answer.body['expires_in'], Number(exp) - Number(iat))
    t.is(iat, Math.floor(clock.now() / 1_000))
    return answer.body['expires_in']
  }
  await until('the API is known', async () => (await life(plain, 'plain', audience)) === 600)
  t.is(await life(plain, 'plain', 'https://short.example'), 120)
  t.is(await life(plain, 'plain', 'https://long.example'), 3_600)
  t.is(await life(brief, 'brief', audience), 180)
  t.is(await life(brief, 'brief', 'https://short.example'), 120)
  t.is(await life(brief, 'brief', 'https://long.example'), 180)

  const session = await ask(
    own,
    'token',
    { grant_type: 'password', username: 'ada', password: 'correct horse battery staple' },
    basic({ id: 'brief', secret: brief.secret ?? '' }),
  )
  t.is(session.body['expires_in'], 100, 'A token does not outlive its session.')
  t.is(session.body['refresh_token_expires_in'], 100)
})

test('an API may ask for typ JWT and for the claims of SimpleJWT', async (t) => {
  const { apis, clients } = issuer.administration
  const resource = 'https://django.example'
  await apis.create(resource, { scopes: ['a'], typ: 'JWT', claimsPreset: 'simplejwt' })
  const { secret } = await clients.create('django', false, { grants, audiences: [resource] })
  const headers = basic({ id: 'django', secret: secret ?? '' })
  const { access_token } = await login(issuer, {}, headers)
  t.is(header(access_token).typ, 'JWT')
  t.is(decodeClaims(access_token)['token_type'], 'access')
  t.is(decodeClaims(access_token)['user_id'], issuer.user.id)
  const claims = decodeClaims(await clientToken(issuer, {}, headers))
  t.is(claims['token_type'], 'access')
  t.false('user_id' in claims, 'A client is no user.')
})

test('no two tokens have one jti', async (t) => {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => clientToken(issuer)))
  t.is(new Set(tokens.map((token) => decodeClaims(token)['jti'])).size, 20)
})
