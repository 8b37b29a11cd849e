import test, { type ExecutionContext } from 'ava'
import type { Administration } from '../../src/admin/administration.ts'
import { password, startTestIssuer, TestClock } from '../support/in-process-issuer.ts'
import { basic, decodeClaims } from '../support/oauth.ts'
import {
  ask,
  auditTypes,
  clientToken,
  isActive,
  listSessions,
  login,
  refresh,
  until,
} from '../support/requests.ts'

const newPassword = 'another long pass phrase'

/** What an operator does beside the running server, and what it takes to do it. */
const endings: readonly (readonly [
  name: string,
  end: (administration: Administration) => Promise<unknown>,
])[] = [
  ['changing the password', ({ users }) => users.setPassword('ada', newPassword)],
  ['disabling the user', ({ users }) => users.disable('ada')],
  ['disabling and enabling the user', ({ users }) => users.disable('ada').then(() => users.enable('ada'))],
  ['deleting the user', ({ users }) => users.delete('ada')],
  ['revoking the user’s sessions', ({ sessions }) => sessions.revokeUser('ada')],
  ['revoking all sessions', ({ sessions }) => sessions.revokeAll()],
]

for (const [name, end] of endings) {
  test(`security 16: ${name} ends the sessions at once, seen from another process too`, async (t) => {
    const issuer = await startTestIssuer(t)
    const sessions = [await login(issuer), await login(issuer)]
    const elsewhere = await clientToken(issuer)
    await end(issuer.administration)
    for (const pair of sessions) {
      t.false(await isActive(issuer, pair.access_token))
      t.false(await isActive(issuer, pair.refresh_token))
      const answer = await refresh(issuer, pair.refresh_token)
      t.is(answer.status, 400)
      t.is(answer.body['error'], 'invalid_grant')
    }
    t.true(await isActive(issuer, elsewhere), 'The token of a client is nobody’s session.')
    t.true((await auditTypes(issuer)).includes('sessions.revoked'))
  })
}

test('security 16: the sessions of other users go on', async (t) => {
  const issuer = await startTestIssuer(t)
  await issuer.administration.users.create('grace', { password })
  const pair = await login(issuer, { username: 'grace' })
  await issuer.administration.users.disable('ada')
  await issuer.administration.users.setPassword('ada', newPassword)
  t.is((await refresh(issuer, pair.refresh_token)).status, 200)
})

test('a new password is the one that works, at once', async (t) => {
  const issuer = await startTestIssuer(t)
  await issuer.administration.users.setPassword('ada', newPassword)
  const old = await ask(issuer, 'token', { grant_type: 'password', username: 'ada', password })
  t.is(old.body['error'], 'invalid_grant')
  t.truthy(await login(issuer, { password: newPassword }))
})

for (const [name, end] of endings.slice(0, 2)) {
  test(`security 16: a login that is under way while ${name} starts no session that lasts`, async (t) => {
    const issuer = await startTestIssuer(t, { environment: { MINTAGE_BCRYPT_COST: '13' } })
    const underWay = ask(issuer, 'token', { grant_type: 'password', username: 'ada', password })
    await end(issuer.administration)
    const answer = await underWay
    const token = answer.body['refresh_token']
    // Whichever was first: the session was not started, or it has been ended.
    const last = typeof token === 'string' ? await refresh(issuer, token) : answer
    t.is(last.status, 400)
    t.is(last.body['error'], 'invalid_grant')
  })
}

/** Waits until the server knows that the client is gone, or is there. */
async function untilClient(
  issuer: Parameters<typeof ask>[0],
  status: number,
  headers?: Record<string, string>,
) {
  await until(`a token request is answered with ${status}`, async () => {
    const answer = await ask(issuer, 'token', { grant_type: 'client_credentials' }, headers)
    return answer.status === status
  })
}

test('security 9: a client that is disabled gets nothing more, and its tokens die', async (t) => {
  const issuer = await startTestIssuer(t)
  const { secret } = await issuer.administration.clients.create('watcher', false, {
    audiences: ['https://api.example'],
  })
  const watcher = basic({ id: 'watcher', secret: secret ?? '' })
  const pair = await login(issuer)
  const own = await clientToken(issuer)
  await issuer.administration.clients.disable('service')
  await untilClient(issuer, 401)
  for (const endpoint of ['token', 'introspect', 'revoke'] as const) {
    const form = { grant_type: 'refresh_token', refresh_token: pair.refresh_token, token: own }
    t.is((await ask(issuer, endpoint, form)).body['error'], 'invalid_client')
  }
  for (const token of [own, pair.access_token]) t.false(await isActive(issuer, token, watcher))

  await issuer.administration.clients.enable('service')
  await untilClient(issuer, 200)
  for (const token of [own, pair.access_token, pair.refresh_token]) t.false(await isActive(issuer, token))
  t.is((await refresh(issuer, pair.refresh_token)).body['error'], 'invalid_grant')
  t.truthy(await login(issuer), 'What begins now is good.')
})

test('security 9: a login on what the server still remembers of a client starts no session for it', async (t) => {
  for (const gone of ['disable', 'delete'] as const) {
    const issuer = await startTestIssuer(t)
    // The server remembers the client from here on, until it hears of the change.
    await clientToken(issuer)
    await issuer.administration.clients[gone]('service')
    const answer = await ask(issuer, 'token', { grant_type: 'password', username: 'ada', password })
    t.is(answer.status, 401, gone)
    t.is(answer.body['error'], 'invalid_client')
    t.deepEqual(await listSessions(issuer), [])
  }
})

async function takeNameAgain(t: ExecutionContext, pause: number) {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const pair = await login(issuer)
  const own = await clientToken(issuer)
  const { clients, users } = issuer.administration
  clock.advance(pause)
  await clients.delete('service')
  await users.delete('ada')
  clock.advance(pause)
  const { secret } = await clients.create('service', false, {
    grants: ['client_credentials', 'password', 'refresh_token'],
    audiences: ['https://api.example'],
  })
  const user = await users.create('ada', { password })
  const headers = basic({ id: 'service', secret: secret ?? '' })
  await untilClient(issuer, 200, headers)
  t.is((await ask(issuer, 'token', { grant_type: 'client_credentials' })).status, 401)
  for (const token of [own, pair.access_token, pair.refresh_token]) {
    t.false(await isActive(issuer, token, headers))
  }
  t.is((await refresh(issuer, pair.refresh_token, {}, headers)).body['error'], 'invalid_grant')
  const fresh = await login(issuer, {}, headers)
  t.is(decodeClaims(fresh.access_token)['sub'], user.id)
  t.not(decodeClaims(fresh.access_token)['sub'], issuer.user.id)
  t.true(await isActive(issuer, fresh.access_token, headers))
  t.true(await isActive(issuer, await clientToken(issuer, {}, headers), headers))
}

test('security 9: a name that is taken again is another identity', (t) => takeNameAgain(t, 2_000))

test('security 9: it is another identity within the same second too', (t) => takeNameAgain(t, 0))

test('administration beside a running server takes effect', async (t) => {
  const issuer = await startTestIssuer(t)
  const { apis, clients, users } = issuer.administration
  const resource = 'https://late.example'
  await apis.create(resource, { scopes: ['late:read'] })
  const created = await clients.create('late', false, { grants: ['client_credentials', 'password'] })
  const headers = basic({ id: 'late', secret: created.secret ?? '' })
  await users.create('late', { password })
  // What was created can be used at once: nothing remembers that it was not there.
  t.truthy(await login(issuer, { username: 'late' }, headers).catch((error) => String(error)))
  const form = { grant_type: 'client_credentials', resource }
  await until('the API is known', async () => (await ask(issuer, 'token', form, headers)).status === 200)

  await clients.update('late', { grants: ['password'] })
  await until('the grant is gone', async () => {
    return (await ask(issuer, 'token', form, headers)).body['error'] === 'unauthorized_client'
  })
  await clients.update('late', { grants: ['client_credentials'], scopes: [] })
  await until('the scope is gone', async () => {
    const answer = await ask(issuer, 'token', form, headers)
    return answer.status === 200 && !('scope' in answer.body)
  })
  await apis.delete(resource)
  await until('the API is gone', async () => {
    return (await ask(issuer, 'token', form, headers)).body['error'] === 'invalid_target'
  })
  await clients.delete('late')
  await until('the client is gone', async () => (await ask(issuer, 'token', form, headers)).status === 401)
})

test('security 7: a scope or an audience that is withdrawn is gone from the next refresh on', async (t) => {
  const issuer = await startTestIssuer(t)
  const { clients } = issuer.administration
  let token = (await login(issuer)).refresh_token
  const next = async () => {
    const answer = await refresh(issuer, token)
    if (answer.status === 200) token = String(answer.body['refresh_token'])
    return answer.body
  }
  await clients.update('service', { scopes: ['orders:read'] })
  await until('the scope is gone', async () => (await next())['scope'] === 'orders:read')
  t.is((await refresh(issuer, token, { scope: 'orders:write' })).body['error'], 'invalid_scope')
  await clients.update('service', { audiences: [], scopes: null })
  await until('the audience is gone', async () => (await next())['error'] === 'invalid_grant')
})
