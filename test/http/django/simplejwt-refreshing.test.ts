import test from 'ava'
import { shareSimpleJwt, startSimpleJwt, tokenNotValid, tokenOf } from '../../support/django.ts'
import { eventually } from '../../support/eventually.ts'
import { password } from '../../support/in-process-issuer.ts'
import { decodeClaims, post as postForm } from '../../support/oauth.ts'
import { auditTypes, listSessions } from '../../support/requests.ts'

const speak = shareSimpleJwt(test)

const { blacklisted, expired, invalid } = {
  blacklisted: tokenNotValid('Token is blacklisted'),
  expired: tokenNotValid('Token is expired'),
  invalid: tokenNotValid('Token is invalid'),
}

test.serial('security 19: a refresh whose answer was lost gives the very same successor again', async (t) => {
  const { clock, post, logIn } = await speak()
  const { refresh } = await logIn()
  clock.advance(1_234)
  const first = tokenOf(await post('refresh/', { refresh }), 'refresh')
  clock.advance(29_999)
  const answers = await Promise.all([1, 2, 3].map(() => post('refresh/', { refresh })))
  for (const answer of answers) t.is(tokenOf(answer, 'refresh'), first)
  t.not(first, refresh)
  t.is((await post('refresh/', { refresh: first })).status, 200)
})

test('security 19: later on it is reuse, which ends the session', async (t) => {
  const { issuer, clock, post, logIn } = await startSimpleJwt(t)
  const { refresh } = await logIn()
  const next = tokenOf(await post('refresh/', { refresh }), 'refresh')
  clock.advance(30_000)
  const reused = await post('refresh/', { refresh })
  t.is(reused.status, 401)
  t.deepEqual(reused.body, blacklisted)
  t.deepEqual((await post('refresh/', { refresh: next })).body, blacklisted)
  t.true((await auditTypes(issuer)).includes('session.reused'))
})

test.serial('security 19: a stolen token is noticed past its own expiry too', async (t) => {
  const { clock, post, logIn } = await speak()
  const { refresh } = await logIn()
  clock.advance(6 * 86_400_000)
  const next = tokenOf(await post('refresh/', { refresh }), 'refresh')
  clock.advance(2 * 86_400_000)
  t.deepEqual((await post('refresh/', { refresh })).body, expired)
  t.deepEqual((await post('refresh/', { refresh: next })).body, blacklisted)
})

test('security 20: idle and absolute life are what exp says', async (t) => {
  const client = { sessionIdleTtl: 60_000, sessionTtl: 100_000 }
  const { clock, post, logIn } = await startSimpleJwt(t, { client })
  const { refresh } = await logIn()
  const until = Number(decodeClaims(refresh)['exp'])
  clock.advance(59_000)
  const next = tokenOf(await post('refresh/', { refresh }), 'refresh')
  t.is(Number(decodeClaims(next)['exp']), until + 40)
  clock.advance(41_000)
  t.deepEqual((await post('refresh/', { refresh: next })).body, expired)
})

test.serial(
  'security 21: every flipped bit, prefix, padding and case change of a refresh token is invalid',
  async (t) => {
    const { post, logIn } = await speak()
    const { refresh } = await logIn()
    const [header = '', payload = '', signature = ''] = refresh.split('.')
    const members = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const toPayload = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    const flipped = [...refresh].flatMap((character, at) => {
      if (at % 5 !== 0) return []
      const other = String.fromCharCode(character.charCodeAt(0) ^ 1)
      return [`${refresh.slice(0, at)}${other}${refresh.slice(at + 1)}`]
    })
    const spelled = [
      ...[-1, -2, -10].map((end) => refresh.slice(0, end)),
      ...[`${refresh}=`, `${refresh}A`, `${refresh}.`, `.${refresh}`, `${refresh}.${signature}`],
      `${header.toUpperCase()}.${payload}.${signature}`,
      `${header}.${payload}.${signature.toLowerCase()}`,
      `${header}.${payload}=.${signature}`,
      `${header}.${payload}.`,
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${header}.${toPayload({ ...members, exp: members.exp + 1 })}.${signature}`,
      `${header}.${toPayload({ ...members, jti: 'mrt_x' })}.${signature}`,
      `${header}.${toPayload(null)}.${signature}`,
      `${header}.${toPayload(members).slice(0, -2)}.${signature}`,
      `${refresh.replace(payload, payload.repeat(20))}`,
      members.jti,
    ]
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      .split('')
      .filter((character) => character !== refresh.at(-1))
      .map((character) => refresh.slice(0, -1) + character)
    t.true(flipped.length > 50)
    for (const token of [...flipped, ...spelled, ...last]) {
      const answer = await post('refresh/', { refresh: token })
      t.is(answer.status, 401, token)
      t.deepEqual(answer.body, invalid, token)
    }
    t.is((await post('refresh/', { refresh })).status, 200)
  },
)

test('security 18: a refresh token of another client is none here', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  const { refresh } = await logIn()
  const { clients } = issuer.administration
  await clients.delete('web')
  await clients.create('web', true, { grants: ['password', 'refresh_token'] })
  const answer = await post('refresh/', { refresh })
  t.is(answer.status, 401)
  t.is(answer.body['code'], 'token_not_valid')
})

test.serial(
  "the core's own refresh token is redeemed at its own endpoint, and is the same line",
  async (t) => {
    const { issuer, clock, post, logIn } = await speak()
    const { refresh } = await logIn()
    const inner = String(decodeClaims(refresh)['jti'])
    const form = { grant_type: 'refresh_token', refresh_token: inner, client_id: 'web' }
    t.is((await postForm(`${issuer.url}/oauth2/token`, form)).status, 200)
    clock.advance(30_000)
    t.deepEqual((await post('refresh/', { refresh })).body, blacklisted)
  },
)

test('without ROTATE_REFRESH_TOKENS there is only an access token, and the session does not move', async (t) => {
  const { issuer, clock, post, logIn } = await startSimpleJwt(t, {
    client: { django: { rotateRefreshTokens: false } },
  })
  const { refresh } = await logIn()
  const [before] = await listSessions(issuer)
  clock.advance(86_400_000)
  const answers = [await post('refresh/', { refresh }), await post('refresh/', { refresh })]
  for (const answer of answers) {
    t.is(answer.status, 200)
    t.deepEqual(Object.keys(answer.body), ['access'])
  }
  t.deepEqual((await listSessions(issuer))[0], before)
  clock.advance(6 * 86_400_000)
  t.deepEqual((await post('refresh/', { refresh })).body, expired)
})

test('when rotation is turned off, the answer that was lost just before is given again', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  const { refresh } = await logIn()
  const next = tokenOf(await post('refresh/', { refresh }), 'refresh')
  await issuer.administration.clients.update('web', { django: { rotateRefreshTokens: false } })
  const kept = await eventually(
    async () => post('refresh/', { refresh: (await logIn()).refresh }),
    ({ body }) => !('refresh' in body),
  )
  t.deepEqual(Object.keys(kept.body), ['access'])
  t.is(tokenOf(await post('refresh/', { refresh }), 'refresh'), next)
  t.deepEqual(Object.keys((await post('refresh/', { refresh: next })).body), ['access'])
})

test('without BLACKLIST_AFTER_ROTATION earlier tokens go on to their own end', async (t) => {
  const { clock, post, logIn } = await startSimpleJwt(t, {
    client: { django: { blacklistAfterRotation: false } },
  })
  const { refresh } = await logIn()
  clock.advance(86_400_000)
  const next = tokenOf(await post('refresh/', { refresh }), 'refresh')
  clock.advance(86_400_000)
  t.deepEqual((await post('verify/', { token: refresh })).body, {})
  const again = await post('refresh/', { refresh })
  t.is(again.status, 200)
  t.is(tokenOf(again, 'refresh'), next)
  clock.advance(5 * 86_400_000)
  t.deepEqual((await post('refresh/', { refresh })).body, expired)
  t.is((await post('refresh/', { refresh: next })).status, 200)
})

test.serial(
  'security 24: an earlier token that is blacklisted ends the session, and is told to be so already',
  async (t) => {
    const { post, logIn } = await speak()
    const { refresh } = await logIn()
    const next = tokenOf(await post('refresh/', { refresh }), 'refresh')
    t.deepEqual((await post('blacklist/', { refresh })).body, blacklisted)
    t.deepEqual((await post('refresh/', { refresh: next })).body, blacklisted)
  },
)

test('security 26: a token goes on when the MAC key has rotated, and ends when every key is revoked', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  const { refresh } = await logIn()
  await issuer.administration.keys.rotateMac()
  const next = tokenOf(await post('refresh/', { refresh }), 'refresh')
  t.is(tokenOf(await post('refresh/', { refresh }), 'refresh'), next)
  await issuer.administration.keys.revokeAll()
  const answer = await eventually(
    () => post('refresh/', { refresh: next }),
    ({ status }) => status === 401,
  )
  t.is(answer.body['code'], 'token_not_valid')
})

test('security 39: logins and ends are audited as everywhere', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  await post('', { username: 'ada', password: 'wrong' })
  const { refresh } = await logIn()
  await post('blacklist/', { refresh })
  const types = (await auditTypes(issuer)).filter((type) => /^(login|session)\./.test(type))
  t.deepEqual(types, ['login.failed', 'login.succeeded', 'session.started', 'session.revoked'])
})

test('a client that may not refresh gets an access token alone', async (t) => {
  const { post } = await startSimpleJwt(t, { client: { grants: ['password'] } })
  t.deepEqual(Object.keys((await post('', { username: 'ada', password })).body), ['access'])
})
