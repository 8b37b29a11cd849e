import test from 'ava'
import type { ApiRecord } from '../../src/store/api-table.ts'
import type { ClientRecord } from '../../src/store/client-table.ts'
import { DuplicateError } from '../../src/store/errors.ts'
import type { KeyRecord } from '../../src/store/key-table.ts'
import type { UserRecord } from '../../src/store/user-table.ts'
import { insertSession, openTestStore, session, type TestEngine } from './test-database.ts'

/** Past what 32 bits hold, as every time is. */
const at = 1_700_000_000_123

export const client: ClientRecord = {
  id: 'cli_1',
  clientId: 'service',
  name: 'Größe 🚀',
  public: false,
  grants: ['client_credentials', 'refresh_token'],
  scopes: ['orders:read'],
  audiences: null,
  claims: { tier: { level: 1 } },
  accessTokenTtl: 60_000,
  sessionIdleTtl: 3_650 * 86_400_000,
  sessionTtl: null,
  retryWindow: 0,
  django: { slidingTokens: true, usernameField: 'email' },
  userData: { answer: { user: { name: '$username' } } },
  cookies: 'lax',
  disabledAt: null,
  tokensVoidUntil: at,
  createdAt: at,
  updatedAt: at,
}

export const user: UserRecord = {
  id: 'usr_1',
  username: 'ada',
  email: 'Ada@Example.org',
  claims: { groups: ['a', 'b'] },
  password: 'hash',
  passwordNormalised: false,
  importedPassword: 'digest',
  passwordImportedAt: 5,
  passwordChangedAt: at,
  disabledAt: null,
  createdAt: at,
  updatedAt: at,
}

const api: ApiRecord = {
  id: 'api_1',
  audience: 'https://api.example',
  scopes: ['orders:read', 'orders:write'],
  accessTokenTtl: null,
  typ: 'at+jwt',
  claimsPreset: 'rfc9068',
  introspectionClient: 'cli_1',
  createdAt: at,
  updatedAt: at,
}

const key: KeyRecord = {
  kid: 'kid-1',
  state: 'current',
  bits: 2048,
  publicJwk: { kty: 'RSA', n: 'n', e: 'AQAB', kid: 'kid-1', use: 'sig', alg: 'RS256' },
  createdAt: at,
  publishedAt: at,
  activatedAt: at,
  retiredAt: null,
  removableAt: null,
  withdrawnAt: null,
  revoked: false,
}

/** That each table gives back what it was given, types included, on any database. */
export function testTables(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}: ${text}`

  test(title('a client comes back as it went in, and its secrets go with it'), async (t) => {
    const { store } = await openTestStore(t, engine)
    await store.clients.insert(client)
    t.deepEqual(await store.clients.findByClientId('service'), client)
    const changed = { ...client, public: true, disabledAt: at + 1, audiences: ['a'], scopes: null }
    await store.clients.update(changed)
    t.deepEqual(await store.clients.findById('cli_1'), changed)
    t.deepEqual(await store.clients.list(), [changed])
    for (const [id, createdAt] of [
      ['older', at],
      ['newer', at + 1],
    ] as const) {
      await store.clients.insertSecret({ id, client: 'cli_1', digest: id, createdAt, expiresAt: null })
    }
    await store.clients.expireSecret('older', at + 9)
    t.deepEqual(
      (await store.clients.listSecrets('cli_1')).map(({ id, expiresAt }) => [id, expiresAt]).sort(),
      [
        ['newer', null],
        ['older', at + 9],
      ],
    )
    await store.clients.delete('cli_1')
    t.deepEqual(await store.clients.listSecrets('cli_1'), [])
  })

  test(
    title('an API comes back as it went in, and forgets an introspection client that is gone'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      await store.clients.insert(client)
      await store.apis.insert(api)
      t.deepEqual(await store.apis.list(), [api])
      await store.clients.delete('cli_1')
      t.deepEqual(await store.apis.list(), [{ ...api, introspectionClient: null }])
    },
  )

  test(title('a user comes back as it went in, and is found by e-mail in any case'), async (t) => {
    const { store } = await openTestStore(t, engine)
    await store.users.insert(user)
    t.deepEqual(await store.users.findByUsername('ada'), user)
    t.deepEqual(await store.users.findByEmail('aDA@example.ORG'), [user])
    t.true(await store.users.upgradePassword('usr_1', 'hash', 'better'))
    t.false(await store.users.upgradePassword('usr_1', 'hash', 'worse'))
    const upgraded = { ...user, password: 'better', passwordNormalised: true }
    t.deepEqual(await store.users.findById('usr_1'), upgraded)
    t.deepEqual(await store.users.page('', 10), [upgraded])
    t.deepEqual(await store.users.page('ada', 10), [])
    const other = { ...user, id: 'usr_2', username: 'bob', claims: { user_id: '42' }, importedPassword: null }
    await store.users.insertAll([other, { ...user, id: 'usr_3', username: 'Carl' }])
    t.deepEqual(await store.users.findByUserIdClaim('42'), other)
    t.is(await store.users.findByUserIdClaim('4'), undefined)
    const found = await store.users.findAny({ usernames: ['ada'], ids: ['usr_3'], userIds: ['42', '43'] })
    t.deepEqual(found.map(({ id }) => id).sort(), ['usr_1', 'usr_2', 'usr_3'])
    await t.throwsAsync(
      store.transaction((tx) => tx.users.update({ ...user, claims: { user_id: 42 } })),
      { instanceOf: DuplicateError },
    )
    await store.users.delete('usr_1')
    t.is(await store.users.findById('usr_1'), undefined)
  })

  test(
    title('a refresh token from elsewhere is taken once, and forgotten when it has expired'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      const token = (name: string, expiresAt: number) => ({ digest: name, handle: null, at, expiresAt })
      const exchanged = { ...token('c', at + 3), handle: 'handle-a' }
      await store.foreignTokens.insertAll([token('a', at + 1), token('b', at + 2)])
      await store.foreignTokens.insert(exchanged)
      t.deepEqual(await store.foreignTokens.find('c'), exchanged)
      await t.throwsAsync(
        store.transaction((tx) => tx.foreignTokens.insert(token('c', at + 9))),
        { instanceOf: DuplicateError },
      )
      t.false(await store.foreignTokens.deleteExpired(at + 2, 10))
      const left = await store.foreignTokens.findAll(['a', 'b', 'c', 'd'])
      t.deepEqual(left.map(({ digest }) => digest).sort(), ['b', 'c'])
      t.true(await store.foreignTokens.deleteExpired(at + 9, 1))
      t.is((await store.foreignTokens.findAll(['b', 'c'])).length, 1)
    },
  )

  test(title('a session comes back as it went in, and is ended once'), async (t) => {
    const { store } = await openTestStore(t, engine)
    await insertSession(store, session('a'))
    await insertSession(store, session('b', { user: 'usr_2', createdAt: at }))
    t.deepEqual(await store.sessions.findByHandle('handle-a'), session('a'))
    t.deepEqual(
      (await store.sessions.page({}, 1_000)).map(({ sid }) => sid),
      ['ses_b', 'ses_a'],
    )
    const [newest] = await store.sessions.page({}, 1)
    const sids = async (...page: Parameters<typeof store.sessions.page>) =>
      (await store.sessions.page(...page)).map(({ sid }) => sid)
    t.deepEqual(await sids({}, 10, newest), ['ses_a'])
    t.deepEqual(await sids({ user: 'usr_2' }, 10), ['ses_b'])
    t.deepEqual(await sids({ client: 'cli_none' }, 10), [])
    t.deepEqual(await sids({ liveAt: at }, 10), ['ses_b', 'ses_a'])
    t.deepEqual(await sids({ liveAt: session('a').idleExpiresAt }, 10), [])
    t.is(await store.sessions.end({ user: 'usr_1' }, 'user_disabled', at), 1)
    t.is(await store.sessions.end('all', 'revoked_by_operator', at + 1), 1)
    const ended = { endedAt: at, endReason: 'user_disabled' } as const
    t.deepEqual(await store.sessions.findBySid('ses_a'), session('a', ended))
    t.is(await store.sessions.end({ client: 'cli_1' }, 'client_deleted', at + 2), 0)
  })

  test(title('a key ring is swapped by whoever has read it last, and by nobody else'), async (t) => {
    const { store } = await openTestStore(t, engine)
    const first = await store.keys.read()
    t.is(first.version, 0)
    const macKey = {
      id: 4_294_967_295,
      state: 'current',
      createdAt: at,
      retiredAt: null,
      removableAt: null,
      withdrawnAt: null,
    } as const
    t.true(await store.keys.swap(0, { keys: [key], macKeys: [macKey], longestIdle: at }))
    t.false(await store.keys.swap(0, { keys: [{ ...key, kid: 'kid-2' }] }))
    t.true(await store.keys.swap(1, { keys: [{ ...key, state: 'retired', retiredAt: at }] }))
    t.deepEqual(await store.keys.read(), {
      version: 2,
      longestMaxAge: 0,
      longestTokenLife: 0,
      longestIdle: at,
      keys: [{ ...key, state: 'retired', retiredAt: at }],
      macKeys: [macKey],
    })
  })
}
