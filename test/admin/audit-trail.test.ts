import test from 'ava'
import { runMintage, runMintageBatch } from '../support/child-issuer.ts'
import { openTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic } from '../support/oauth.ts'
import { ask, auditTypes, clientToken, listSessions, login, refresh } from '../support/requests.ts'

let issuer: TestIssuer
let environment: Readonly<Record<string, string>>

test.before(async () => {
  issuer = await openTestIssuer()
  environment = {
    MINTAGE_DATABASE_URL: issuer.databaseUrl,
    MINTAGE_KEYS_DIR: issuer.keysDir,
    MINTAGE_BCRYPT_COST: '4',
  }
})
test.after.always(() => issuer.stop())

/** The types of the rows that `act` leaves behind, oldest first. */
async function rowsOf(act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = (await auditTypes(issuer)).length
  await act()
  return (await auditTypes(issuer)).slice(before)
}

async function enableAll(): Promise<void> {
  await issuer.administration.clients.enable('app')
  await issuer.administration.users.enable('ada')
}

/** Runs commands, each of which must succeed. */
async function run(...commands: readonly (readonly string[])[]): Promise<void> {
  for (const [index, { code, stderr }] of (await runMintageBatch(commands, environment)).entries()) {
    if (code !== 0) throw new Error(`mintage ${commands[index]?.join(' ')} ended with ${code}: ${stderr}`)
  }
}

test.serial('security 39: a login, good or bad, and the start of a session are rows', async (t) => {
  const wrong = { grant_type: 'password', username: 'ada', password: 'wrong' }
  t.deepEqual(await rowsOf(() => login(issuer)), ['login.succeeded', 'session.started'])
  t.deepEqual(await rowsOf(() => ask(issuer, 'token', wrong)), ['login.failed'])
  t.deepEqual(await rowsOf(() => ask(issuer, 'token', { ...wrong, username: 'nobody' })), ['login.failed'])
})

test.serial('security 39: a token that is issued or refreshed is no row', async (t) => {
  const pair = await login(issuer)
  const rows = await rowsOf(async () => {
    await clientToken(issuer)
    await refresh(issuer, pair.refresh_token)
    await refresh(issuer, pair.refresh_token)
    await ask(issuer, 'introspect', { token: pair.access_token })
  })
  t.deepEqual(rows, [])
})

test.serial('security 39: a client that could not prove who it is is a row', async (t) => {
  const wrong = basic({ id: 'service', secret: 'wrong' })
  const unknown = basic({ id: 'nobody', secret: 'wrong' })
  const rows = await rowsOf(async () => {
    await ask(issuer, 'token', { grant_type: 'client_credentials' }, wrong)
    await ask(issuer, 'introspect', { token: 'any' }, unknown)
  })
  t.deepEqual(rows, ['client.authentication_failed', 'client.authentication_failed'])
})

test.serial(
  'security 39: reuse, a foreign client and every revocation are rows, and each is told once',
  async (t) => {
    const pair = await login(issuer)
    const foreign = { grant_type: 'refresh_token', refresh_token: pair.refresh_token, client_id: 'app' }
    t.deepEqual(await rowsOf(() => ask(issuer, 'token', foreign, {})), ['session.foreign_client'])
    const next = await refresh(issuer, pair.refresh_token)
    await refresh(issuer, String(next.body['refresh_token']))
    t.deepEqual(await rowsOf(() => refresh(issuer, pair.refresh_token)), ['session.reused'])
    t.deepEqual(await rowsOf(() => refresh(issuer, pair.refresh_token)), [])
    const own = await clientToken(issuer)
    t.deepEqual(await rowsOf(() => ask(issuer, 'revoke', { token: own })), ['access_token.revoked'])
    const { refresh_token: token } = await login(issuer)
    t.deepEqual(await rowsOf(() => ask(issuer, 'revoke', { token })), ['session.revoked'])
    t.deepEqual(await rowsOf(() => ask(issuer, 'revoke', { token })), [])
  },
)

test.serial('security 39: every change that a command makes is a row', async (t) => {
  const clients = await rowsOf(() =>
    run(
      ['api', 'create', 'https://other.example', '--scope', 'read'],
      ['api', 'update', 'https://other.example', '--scope', 'read write'],
      ['client', 'create', '--id', 'job', '--grant', 'client_credentials'],
      ['client', 'update', 'job', '--name', 'Job'],
      ['client', 'rotate-secret', 'job'],
      ['client', 'disable', 'job'],
      ['client', 'enable', 'job'],
      ['client', 'delete', 'job'],
      ['api', 'delete', 'https://other.example'],
    ),
  )
  t.deepEqual(clients, [
    'api.created',
    'api.updated',
    'client.created',
    'client.updated',
    'client.secret_rotated',
    'client.disabled',
    'client.enabled',
    'client.deleted',
    'api.deleted',
  ])

  const users = await rowsOf(() =>
    run(
      ['user', 'create', 'eve'],
      ['user', 'disable', 'eve'],
      ['user', 'enable', 'eve'],
      ['user', 'delete', 'eve'],
    ),
  )
  t.deepEqual(users, ['user.created', 'user.disabled', 'user.enabled', 'user.deleted'])
})

test.serial(
  'security 39: whatever ends sessions has a row of its own and says so of the sessions',
  async (t) => {
    const { refresh_token: token } = await login(issuer)
    const [session] = await listSessions(issuer)
    const revoked = await rowsOf(() => run(['session', 'revoke', session?.sid ?? '']))
    t.deepEqual(revoked, ['session.revoked'])
    t.is((await refresh(issuer, token)).status, 400)
    for (const [command, rows] of [
      [['session', 'revoke', '--user', 'ada'], ['sessions.revoked']],
      [['session', 'revoke', '--all'], ['sessions.revoked']],
      [
        ['client', 'disable', 'app'],
        ['sessions.revoked', 'client.disabled'],
      ],
      [
        ['user', 'disable', 'ada'],
        ['sessions.revoked', 'user.disabled'],
      ],
    ] as const) {
      await enableAll()
      await login(issuer, { client_id: 'app' }, {})
      await login(issuer)
      t.deepEqual(await rowsOf(() => run(command)), rows, command.join(' '))
    }
    await enableAll()
    await login(issuer)
    const password = 'another correct horse battery'
    const changed = await rowsOf(() => runMintage(['user', 'set-password', 'ada'], environment, password))
    t.deepEqual(changed, ['sessions.revoked', 'user.password_set'])
  },
)

test.serial('security 39: every change of keys is a row', async (t) => {
  const current =
    (await issuer.administration.keys.list()).find(({ state }) => state === 'current')?.kid ?? ''
  t.deepEqual(await rowsOf(() => run(['keys', 'rotate-mac'])), ['mac_key.created'])
  t.deepEqual(await rowsOf(() => run(['keys', 'revoke', current])), [
    'key.revoked',
    'key.activated',
    'key.created',
  ])
  const all = await rowsOf(() => run(['keys', 'revoke', '--all']))
  t.deepEqual([...new Set(all)].sort(), [
    'audit_key.rotated',
    'key.activated',
    'key.created',
    'key.revoked',
    'mac_key.created',
    'mac_key.revoked',
    'sessions.revoked',
  ])
})
