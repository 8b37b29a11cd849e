import { createSecretKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import test from 'ava'
import { SignJWT } from 'jose'
import { shareSimpleJwt, startSimpleJwt, tokenNotValid, tokenOf } from '../../support/django.ts'
import { md5Hash, password, type TestIssuer, takeUser } from '../../support/moved-users.ts'
import { decodeClaims, post as postForm } from '../../support/oauth.ts'
import { auditTypes } from '../../support/requests.ts'

const day = 86_400_000
const secret = 'django-insecure-k%3v!q0w8z&n1m5x7c9b2l4j6h8g0f2d4s6a8p1o3i5u7y'
const settings = (key: string, until = Date.now() + 60 * day) => ({
  MINTAGE_DJANGO_KEY: key,
  MINTAGE_DJANGO_KEY_UNTIL: new Date(until).toISOString().replace(/\.\d+Z$/, 'Z'),
})
const environment = settings(secret)
const speak = shareSimpleJwt(test, { issuer: { environment } })

const { blacklisted, expired, invalid, wrongType } = {
  blacklisted: tokenNotValid('Token is blacklisted'),
  expired: tokenNotValid('Token is expired'),
  invalid: tokenNotValid('Token is invalid'),
  wrongType: tokenNotValid('Token has wrong type'),
}
const noAccount = { detail: 'No active account found for the given token.' }

let lastId = 0

/** A user who came from Django, and how their old tokens are made: as SimpleJWT 5.5 does. */
async function moveIn(issuer: TestIssuer, clock: { now(): number }) {
  const id = ++lastId
  const username = `moved-${id}`
  await takeUser(issuer, { username, claims: { user_id: id }, password_hash: md5Hash(password) })
  const now = Math.floor(clock.now() / 1_000)
  const sign = (
    claims: Readonly<Record<string, unknown>> = {},
    key: string | KeyObject = secret,
    header: Readonly<Record<string, string>> = {},
  ) =>
    new SignJWT({
      token_type: 'refresh',
      exp: now + 86_400,
      iat: now - 3_600,
      jti: randomUUID().replaceAll('-', ''),
      user_id: String(id),
      ...claims,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header })
      .sign(typeof key === 'string' ? createSecretKey(Buffer.from(key)) : key)
  return { id: String(id), username, now, sign, sessions: () => listSessions(issuer, username) }
}

async function listSessions({ administration }: TestIssuer, user: string) {
  const sessions = []
  for await (const session of administration.sessions.list({ user })) sessions.push(session)
  return sessions
}

test.serial('an old refresh token becomes a session of ours, whose rules apply from then on', async (t) => {
  const { issuer, clock, post } = await speak()
  const { id, sign, sessions } = await moveIn(issuer, clock)
  const refresh = await sign()
  const answer = await post('refresh/', { refresh })
  t.is(answer.status, 200, answer.text)
  t.deepEqual(Object.keys(answer.body).sort(), ['access', 'refresh'])
  const access = decodeClaims(tokenOf(answer, 'access'))
  t.is(access['user_id'], id)
  t.is(access['token_type'], 'access')
  const [session, ...more] = await sessions()
  t.is(more.length, 0)
  t.is(access['sid'], session?.sid)
  const next = await post('refresh/', { refresh: tokenOf(answer, 'refresh') })
  t.is(next.status, 200, next.text)
  t.is(decodeClaims(tokenOf(next, 'access'))['sid'], session?.sid)
  t.is((await sessions())[0]?.generation, 1)
})

test.serial('a user_id may be a number, as SimpleJWT wrote it before 5.4', async (t) => {
  const { issuer, clock, post } = await speak()
  const { id, sign } = await moveIn(issuer, clock)
  t.is((await post('refresh/', { refresh: await sign({ user_id: Number(id) }) })).status, 200)
})

test.serial(
  'security 19: an exchange whose answer was lost is answered with the very same token',
  async (t) => {
    const { issuer, clock, post } = await speak()
    const { sign, sessions } = await moveIn(issuer, clock)
    const refresh = await sign()
    const first = tokenOf(await post('refresh/', { refresh }), 'refresh')
    clock.advance(29_999)
    t.is(tokenOf(await post('refresh/', { refresh }), 'refresh'), first)
    t.is((await sessions()).length, 1)
    t.is((await post('refresh/', { refresh: first })).status, 200)
  },
)

test.serial('security 19: past the retry window it is a replay, which ends the session', async (t) => {
  const { issuer, clock, post } = await speak()
  const { sign, sessions } = await moveIn(issuer, clock)
  const refresh = await sign()
  const first = tokenOf(await post('refresh/', { refresh }), 'refresh')
  clock.advance(30_000)
  const replay = await post('refresh/', { refresh })
  t.is(replay.status, 401)
  t.deepEqual(replay.body, blacklisted)
  t.is((await sessions())[0]?.endReason, 'reuse')
  t.deepEqual((await post('refresh/', { refresh: first })).body, blacklisted)
  t.true((await auditTypes(issuer)).includes('session.reused'))
})

test.serial('security 19: once the new token was refreshed the old one is a replay at once', async (t) => {
  const { issuer, clock, post } = await speak()
  const { sign, sessions } = await moveIn(issuer, clock)
  const refresh = await sign()
  const first = tokenOf(await post('refresh/', { refresh }), 'refresh')
  t.is((await post('refresh/', { refresh: first })).status, 200)
  t.deepEqual((await post('refresh/', { refresh })).body, blacklisted)
  t.is((await sessions())[0]?.endReason, 'reuse')
})

test.serial('security 19: fifty at once are one session and one token', async (t) => {
  const { issuer, clock, post } = await speak()
  const { sign, sessions } = await moveIn(issuer, clock)
  const refresh = await sign()
  const answers = await Promise.all(Array.from({ length: 50 }, () => post('refresh/', { refresh })))
  t.is(new Set(answers.map((answer) => tokenOf(answer, 'refresh'))).size, 1)
  t.is((await sessions()).length, 1)
})

test.serial('security 20: a token that has expired, or is not good yet, is refused', async (t) => {
  const { issuer, clock, post } = await speak()
  const { now, sign, sessions } = await moveIn(issuer, clock)
  const answer = await post('refresh/', { refresh: await sign({ exp: now }) })
  t.is(answer.status, 401)
  t.deepEqual(answer.body, expired)
  t.deepEqual((await post('refresh/', { refresh: await sign({ nbf: now + 60 }) })).body, invalid)
  t.deepEqual(await sessions(), [])
})

test.serial(
  'security 29: a forged token, another algorithm and what lacks a claim are refused',
  async (t) => {
    const { issuer, clock, post } = await speak()
    const { sign, sessions } = await moveIn(issuer, clock)
    const good = await sign()
    const [header = '', payload = '', signature = ''] = good.split('.')
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const forged = [
      await sign({}, `${secret}x`),
      await sign({}, secret, { alg: 'HS512' }),
      await sign({}, privateKey, { alg: 'RS256' }),
      `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.${signature}`,
      `${header}.${encode({ ...decodeClaims(good), user_id: '1' })}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.${signature}.`,
      `${header}.${payload}.${signature.slice(0, -1)}`,
      await sign({ jti: undefined }),
      await sign({ user_id: undefined }),
      await sign({ user_id: ['1'] }),
      await sign({ exp: undefined }),
      await sign({ pad: 'x'.repeat(20_000) }),
    ]
    for (const refresh of forged) {
      const answer = await post('refresh/', { refresh })
      t.is(answer.status, 401, refresh.slice(0, 200))
      t.deepEqual(answer.body, invalid, refresh.slice(0, 200))
    }
    t.deepEqual(await sessions(), [])
    t.is((await post('refresh/', { refresh: good })).status, 200)
  },
)

test.serial('an old access token is no refresh token', async (t) => {
  const { issuer, clock, post } = await speak()
  const { sign } = await moveIn(issuer, clock)
  const answer = await post('refresh/', { refresh: await sign({ token_type: 'access' }) })
  t.is(answer.status, 401)
  t.deepEqual(answer.body, wrongType)
})

test.serial('nothing of the old project counts at the OAuth endpoints', async (t) => {
  const { issuer, clock } = await speak()
  const { sign } = await moveIn(issuer, clock)
  const form = { grant_type: 'refresh_token', refresh_token: await sign(), client_id: 'web' }
  const answer = await postForm(`${issuer.url}/oauth2/token`, form)
  t.is(answer.status, 400)
  t.is(answer.body['error'], 'invalid_grant')
})

test.serial('security 9: a disabled user and one that is not here are refused', async (t) => {
  const { issuer, clock, post } = await speak()
  const { username, sign, sessions } = await moveIn(issuer, clock)
  await issuer.administration.users.disable(username)
  const disabled = await post('refresh/', { refresh: await sign() })
  t.is(disabled.status, 401)
  t.like(disabled.body, noAccount)
  t.like((await post('refresh/', { refresh: await sign({ user_id: '987654' }) })).body, noAccount)
  t.deepEqual(await sessions(), [])
})

test.serial('security 16: who has set another password here, has no sessions of before', async (t) => {
  const { issuer, clock, post } = await speak()
  const { username, sign, sessions } = await moveIn(issuer, clock)
  clock.advance(1)
  await issuer.administration.users.setPassword(username, 'seven quiet herons wade slowly')
  const answer = await post('refresh/', { refresh: await sign() })
  t.is(answer.status, 401)
  t.deepEqual(answer.body, blacklisted)
  t.deepEqual(await sessions(), [])
})

test.serial(
  'security 16: a password that changed in the project ends the old tokens, and brings none back',
  async (t) => {
    const { issuer, clock, post } = await speak()
    const { id, username, sign, sessions } = await moveIn(issuer, clock)
    const [early, late] = [await sign(), await sign()]
    const readAgain = (secret: string) => {
      clock.advance(1)
      const fields = { username, claims: { user_id: id }, password_hash: md5Hash(secret) }
      return takeUser(issuer, fields, { update: true })
    }
    await readAgain(password)
    t.is((await post('verify/', { token: early })).status, 200, 'The same hash is no news.')
    await readAgain('seven quiet herons wade slowly')
    t.deepEqual((await post('refresh/', { refresh: early })).body, blacklisted)
    await readAgain('nine loud herons wade quickly')
    for (const refresh of [early, late]) t.deepEqual((await post('refresh/', { refresh })).body, blacklisted)
    t.deepEqual(await sessions(), [])

    clock.advance(1)
    await issuer.administration.users.setPassword(username, 'five green herons wade slowly')
    await readAgain('three grey herons wade slowly')
    t.deepEqual((await post('refresh/', { refresh: late })).body, blacklisted, 'nor by an import after that')
  },
)

test.serial('a login here, which replaces the hash by a better one, ends nothing of before', async (t) => {
  const { issuer, clock, post, logIn } = await speak()
  const { username, sign } = await moveIn(issuer, clock)
  await logIn(username)
  t.is((await post('refresh/', { refresh: await sign() })).status, 200)
})

test.serial('logging out with an old token takes it back, and ends what it was exchanged for', async (t) => {
  const { issuer, clock, post } = await speak()
  const { sign, sessions } = await moveIn(issuer, clock)
  const [unused, used] = [await sign(), await sign()]
  t.is((await post('verify/', { token: unused })).status, 200)
  t.is((await post('blacklist/', { refresh: unused })).status, 200)
  t.deepEqual((await post('blacklist/', { refresh: unused })).body, blacklisted)
  t.deepEqual((await post('refresh/', { refresh: unused })).body, blacklisted)
  t.is((await post('verify/', { token: unused })).status, 400)
  t.is((await post('refresh/', { refresh: used })).status, 200)
  t.deepEqual((await post('blacklist/', { refresh: used })).body, blacklisted)
  t.is((await sessions())[0]?.endReason, 'revoked_by_client')
})

test.serial(
  'what the old project had blacklisted is refused, and a logout there ends the session here',
  async (t) => {
    const { issuer, clock, post } = await speak()
    const { now, sign, sessions } = await moveIn(issuer, clock)
    const [unused, used] = [await sign(), await sign()]
    t.is((await post('refresh/', { refresh: used })).status, 200)
    const jtis = [unused, used].map((token) => String(decodeClaims(token)['jti']))
    async function* rows() {
      for (const jti of jtis) yield { jti, expiresAt: (now + 86_400) * 1_000 }
      yield { jti: 'long past', expiresAt: now * 1_000 }
    }
    const { blacklistImport } = issuer.administration
    const counts = { taken: 1, known: 1, expired: 1, endedSessions: 1 }
    t.deepEqual(await blacklistImport.run(rows()), counts)
    t.deepEqual((await post('refresh/', { refresh: unused })).body, blacklisted)
    t.is((await sessions())[0]?.endReason, 'revoked_by_operator')
    t.deepEqual(await blacklistImport.run(rows()), { taken: 0, known: 2, expired: 1, endedSessions: 0 })
  },
)

test.serial('security 39: the audit trail tells a session that took the place of an old one', async (t) => {
  const { issuer, clock, post } = await speak()
  const { sign, sessions } = await moveIn(issuer, clock)
  t.is((await post('refresh/', { refresh: await sign() })).status, 200)
  const [session] = await sessions()
  const events = (await issuer.store.audit.tail(1_000)).map(({ event }) => event)
  const about = events.filter((event) => 'sid' in event && event.sid === session?.sid)
  t.like(about, [{ type: 'session.started', user: session?.user, by: 'foreign_token' }])
  t.is(about.length, 1)
})

test('where refresh tokens stay the same, the old one goes on to its own end, in one session', async (t) => {
  const { issuer, clock, post } = await startSimpleJwt(t, {
    client: { django: { rotateRefreshTokens: false } },
    issuer: { environment },
  })
  const { sign, sessions } = await moveIn(issuer, clock)
  const refresh = await sign()
  for (let hours = 0; hours < 24; hours += 8) {
    const answer = await post('refresh/', { refresh })
    t.is(answer.status, 200, answer.text)
    t.deepEqual(Object.keys(answer.body), ['access'])
    clock.advance(day / 3)
  }
  t.is((await sessions()).length, 1)
  t.deepEqual((await post('refresh/', { refresh })).body, expired)
})

test('where refresh tokens stay the same, an old one outlives what other sessions may idle, and is its own until taken back', async (t) => {
  const { issuer, clock, post } = await startSimpleJwt(t, {
    client: { django: { rotateRefreshTokens: false }, sessionIdleTtl: 2 * day },
    issuer: { environment },
  })
  const { now, sign } = await moveIn(issuer, clock)
  const refresh = await sign({ exp: now + 30 * 86_400 })
  for (let days = 0; days < 10; days += 1) {
    t.is((await post('refresh/', { refresh })).status, 200, `day ${days}`)
    clock.advance(day)
  }
  t.is((await post('verify/', { token: refresh })).status, 200)
  t.is((await post('blacklist/', { refresh })).status, 200)
  t.deepEqual((await post('refresh/', { refresh })).body, blacklisted)
  t.is((await post('verify/', { token: refresh })).status, 400)
})

test('what ends all sessions of a user, or all there are, ends the old tokens that could become one', async (t) => {
  const { issuer, clock, post } = await startSimpleJwt(t, { issuer: { environment } })
  const { users, sessions, keys } = issuer.administration
  const ways: Readonly<Record<string, (username: string) => Promise<unknown>>> = {
    'session revoke --user': (username) => sessions.revokeUser(username),
    'user disable, and enable': async (username) => {
      await users.disable(username)
      await users.enable(username)
    },
    'session revoke --all': () => sessions.revokeAll(),
    'keys revoke --all': () => keys.revokeAll(),
  }
  const bystander = await moveIn(issuer, clock)
  for (const [way, end] of Object.entries(ways)) {
    const { username, sign } = await moveIn(issuer, clock)
    const refresh = await sign()
    await end(username)
    const answer = await post('refresh/', { refresh })
    t.is(answer.status, 401, way)
    t.deepEqual(answer.body, blacklisted, way)
    t.is((await post('verify/', { token: refresh })).status, 400, way)
    const other = await post('refresh/', { refresh: await bystander.sign() })
    t.is(other.status, way.endsWith('--all') ? 401 : 200, way)
  }
})

test('from its date on the old key counts no more', async (t) => {
  const { issuer, clock, post } = await startSimpleJwt(t, {
    issuer: { environment: settings(secret, Date.now() + 10 * day) },
  })
  const { now, sign } = await moveIn(issuer, clock)
  const exp = now + 30 * 86_400
  const [early, late] = [await sign({ exp }), await sign({ exp })]
  clock.advance(9 * day)
  const answer = await post('refresh/', { refresh: early })
  t.is(answer.status, 200)
  clock.advance(day)
  const after = await post('refresh/', { refresh: late })
  t.is(after.status, 401)
  t.deepEqual(after.body, invalid)
  t.is((await post('refresh/', { refresh: tokenOf(answer, 'refresh') })).status, 200)
})

test('security 29: an RSA key takes RS256 alone, and its public half is no secret', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const { issuer, clock, post } = await startSimpleJwt(t, { issuer: { environment: settings(pem) } })
  const { sign } = await moveIn(issuer, clock)
  for (const refresh of [await sign({}, pem), await sign({}, pem.trim()), await sign({}, secret)]) {
    t.deepEqual((await post('refresh/', { refresh })).body, invalid)
  }
  t.deepEqual(
    (await post('refresh/', { refresh: await sign({}, privateKey, { alg: 'PS256' }) })).body,
    invalid,
  )
  t.is((await post('refresh/', { refresh: await sign({}, privateKey, { alg: 'RS256' }) })).status, 200)
})

test('without the old key an old token is none', async (t) => {
  const { issuer, clock, post } = await startSimpleJwt(t)
  const { sign } = await moveIn(issuer, clock)
  t.deepEqual((await post('refresh/', { refresh: await sign() })).body, invalid)
})
