import test from 'ava'
import { eventually } from '../support/eventually.ts'
import {
  audience,
  openTestIssuer,
  password,
  startTestIssuer,
  TestClock,
  type TestIssuer,
} from '../support/in-process-issuer.ts'
import { basic, decodeClaims, type TokenPair } from '../support/oauth.ts'
import { ask, clientToken, isActive, login, refresh } from '../support/requests.ts'
import { bitAt, bitOf, eventualBit, placeOf, readByOthers, readList } from '../support/status.ts'

let issuer: TestIssuer
test.before(async () => {
  issuer = await openTestIssuer()
})
test.after.always(() => issuer.stop())

test('every token says where its status stands, and the list verifies by the published keys', async (t) => {
  const pair = await login(issuer)
  const own = await clientToken(issuer)
  for (const token of [pair.access_token, own]) {
    const { idx, uri } = placeOf(token)
    t.true(uri.startsWith(`${issuer.url}/status-lists/lst_`))
    const { claims, bits } = await readList(uri, `${issuer.url}/.well-known/jwks.json`)
    t.is(claims.sub, uri)
    t.is(claims.iss, issuer.url)
    t.is(claims['ttl'], 10)
    t.true(Number(claims.exp) > Number(claims.iat))
    t.is(typeof claims['epoch'], 'string')
    t.true(Number.isInteger(claims['version']))
    t.is(Object(claims['status_list'])['bits'], 1)
    t.is(Object(claims['status_list'])['aggregation_uri'], `${issuer.url}/status-lists`)
    t.is(bitAt(bits, idx), 0)
  }
  t.not(placeOf(pair.access_token).uri, placeOf(own).uri, 'sessions and client tokens share no list')
  const [first, second] = [placeOf(own), placeOf(await clientToken(issuer))]
  t.notDeepEqual(first, second)
})

test('the access tokens of a session share a place', async (t) => {
  const pair = await login(issuer)
  const refreshed = await refresh(issuer, pair.refresh_token)
  t.deepEqual(placeOf(String(refreshed.body['access_token'])), placeOf(pair.access_token))
  t.notDeepEqual(placeOf((await login(issuer)).access_token), placeOf(pair.access_token))
})

/** A user and a client of one case, on an issuer that others may share. */
interface World extends Pick<TestIssuer, 'url' | 'administration' | 'service'> {
  readonly username: string
}

let worlds = 0

async function makeWorld({ url, administration }: TestIssuer): Promise<World> {
  const name = `case-${worlds++}`
  await administration.users.create(name, { password })
  const { secret = '' } = await administration.clients.create(name, false, {
    grants: ['client_credentials', 'password', 'refresh_token'],
    audiences: [audience],
  })
  return { url, administration, service: { id: name, secret }, username: name }
}

/** How tokens of the session `pair` and the client token `own` can be revoked, and which of them then are. */
const revocations: readonly (readonly [
  what: string,
  revoke: (at: World, pair: TokenPair, own: string) => Promise<unknown>,
  revoked: readonly ('session' | 'client')[],
])[] = [
  [
    'its refresh token is revoked',
    (at, pair) => ask(at, 'revoke', { token: pair.refresh_token }),
    ['session'],
  ],
  ['its access token is revoked', (at, pair) => ask(at, 'revoke', { token: pair.access_token }), ['session']],
  ['a client token is revoked', (at, _pair, own) => ask(at, 'revoke', { token: own }), ['client']],
  [
    'a refresh token is used again',
    async (at, pair) => {
      const second = await refresh(at, pair.refresh_token)
      await refresh(at, String(second.body['refresh_token']))
      await refresh(at, pair.refresh_token)
    },
    ['session'],
  ],
  ['the user is disabled', (at) => at.administration.users.disable(at.username), ['session']],
  ['the user is deleted', (at) => at.administration.users.delete(at.username), ['session']],
  [
    'the password is changed',
    (at) => at.administration.users.setPassword(at.username, 'another good one!'),
    ['session'],
  ],
  ['the client is disabled', (at) => at.administration.clients.disable(at.service.id), ['session', 'client']],
  ['the client is deleted', (at) => at.administration.clients.delete(at.service.id), ['session', 'client']],
  [
    'an operator ends the session',
    (at, pair) => at.administration.sessions.revoke(String(decodeClaims(pair.access_token)['sid'])),
    ['session'],
  ],
  [
    'an operator ends the user’s sessions',
    (at) => at.administration.sessions.revokeUser(at.username),
    ['session'],
  ],
  ['an operator ends all sessions', (at) => at.administration.sessions.revokeAll(), ['session']],
  ['an operator revokes all keys', (at) => at.administration.keys.revokeAll(), ['session', 'client']],
]

for (const [what, revoke, revoked] of revocations) {
  test(`when ${what}, the list shows it, and what it does not concern stays`, async (t) => {
    const isForAll = / all (sessions|keys)/.test(what)
    const shared = isForAll ? await startTestIssuer(t) : issuer
    const at = await makeWorld(shared)
    const other = await makeWorld(shared)
    const pair = await login(at, { username: at.username })
    const own = await clientToken(at)
    const stranger = await clientToken(other)
    await revoke(at, pair, own)
    const everything = what.includes('all keys')
    const tokens = [
      [pair.access_token, revoked.includes('session')],
      [own, revoked.includes('client')],
      [stranger, everything],
    ] as const
    // The revoked ones first: when they are seen, so would be the others.
    for (const [token, isRevoked] of [...tokens].sort(([, one], [, other]) => Number(other) - Number(one))) {
      t.is(await eventualBit(token, at.url, isRevoked ? 1 : 0), isRevoked ? 1 : 0)
    }
    const caller = basic(other.service)
    // The other client is registered for the audience, so it is told.
    t.is(await isActive(at, pair.access_token, caller), !revoked.includes('session'))
    t.is(await isActive(at, own, caller), !revoked.includes('client'))
    t.is(await isActive(at, stranger, caller), !everything)
  })
}

test('security 24: a revoked access token takes its siblings along, and the refresh token lives', async (t) => {
  const pair = await login(issuer)
  const second = await refresh(issuer, pair.refresh_token)
  const sibling = String(second.body['access_token'])
  t.is((await ask(issuer, 'revoke', { token: pair.access_token })).status, 200)
  for (const token of [pair.access_token, sibling]) {
    t.is(await eventualBit(token, issuer.url, 1), 1)
    t.false(await isActive(issuer, token))
  }
  const third = await refresh(issuer, String(second.body['refresh_token']))
  const fresh = String(third.body['access_token'])
  t.notDeepEqual(placeOf(fresh), placeOf(sibling))
  t.is(await bitOf(fresh, issuer.url), 0)
  t.true(await isActive(issuer, fresh))
  // The old place is not the session's any more: revoking it again changes nothing.
  t.is((await ask(issuer, 'revoke', { token: sibling })).status, 200)
  t.true(await isActive(issuer, fresh))
})

test('security 24: an access token that outlives its session, which nobody refreshed, is revoked all the same', async (t) => {
  const clock = new TestClock()
  const at = await startTestIssuer(t, {
    clock,
    environment: { MINTAGE_SESSION_IDLE_TTL: '1m', MINTAGE_REFRESH_RETRY_WINDOW: '30s' },
  })
  const { access_token: token } = await login(at)
  clock.advance(2 * 60_000)
  t.is(await bitOf(token, at.url), 0)
  t.is((await ask(at, 'revoke', { token })).status, 200)
  t.is(await eventualBit(token, at.url, 1), 1)
})

test('what is issued after a mass revocation is good, though places were reserved before it', async (t) => {
  const at = await startTestIssuer(t)
  await login(at)
  const before = await clientToken(at)
  await at.administration.sessions.revokeAll()
  t.is(await bitOf((await login(at)).access_token, at.url), 0)
  await at.administration.clients.disable('service')
  await at.administration.clients.enable('service')
  let token = before
  for (let left = 200; left > 0 && token === before; left--) {
    const answer = await ask(at, 'token', { grant_type: 'client_credentials' })
    // A process hears within a second that the client is back.
    if (answer.status === 200) token = String(answer.body['access_token'])
  }
  t.is(await eventualBit(before, at.url, 1), 1)
  t.is(await eventualBit(token, at.url, 0), 0)
})

test('another implementation agrees on every bit', async (t) => {
  const at = await startTestIssuer(t)
  const revoked = new Set<number>()
  let uri = ''
  for (let n = 0; n < 40; n++) {
    const token = await clientToken(at)
    if (n % 3 === 0) {
      await ask(at, 'revoke', { token })
      revoked.add(placeOf(token).idx)
    }
    uri = placeOf(token).uri
  }
  const bits = readByOthers(await (await fetch(uri)).text())
  t.deepEqual(
    bits.flatMap((bit, index) => (bit === 1 ? [index] : [])),
    [...revoked].sort((a, b) => a - b),
  )
  t.is(bits.length, 1_048_576)
})

test('a list is cacheable and negotiated: ETag, 304, 406, 404', async (t) => {
  const { uri } = placeOf(await clientToken(issuer))
  const answer = await fetch(uri, { headers: { Accept: 'application/statuslist+jwt' } })
  t.is(answer.status, 200)
  t.is(answer.headers.get('content-type'), 'application/statuslist+jwt')
  t.regex(answer.headers.get('cache-control') ?? '', /^public, max-age=\d$/)
  t.regex(answer.headers.get('vary') ?? '', /accept/i)
  const etag = answer.headers.get('etag') ?? ''
  t.regex(etag, /^"[\w-]+"$/)
  // A revocation by a test beside this one makes another list in between.
  const again = await eventually(
    async () => {
      const tag = (await fetch(uri)).headers.get('etag') ?? ''
      return (await fetch(uri, { headers: { 'If-None-Match': tag } })).status
    },
    (status) => status === 304,
  )
  t.is(again, 304)
  t.is((await fetch(uri, { headers: { 'If-None-Match': '"another"' } })).status, 200)
  t.is((await fetch(uri, { headers: { Accept: '*/*' } })).status, 200)
  for (const Accept of ['application/statuslist+cwt', 'text/html', 'application/statuslist+jwt;q=0']) {
    t.is((await fetch(uri, { headers: { Accept } })).status, 406, Accept)
  }
  t.is((await fetch(uri, { method: 'HEAD' })).status, 200)
  t.is((await fetch(`${issuer.url}/status-lists/lst_${'A'.repeat(22)}`)).status, 404)
  t.is((await fetch(`${issuer.url}/status-lists/%00`)).status, 404)
  t.is((await fetch(uri, { method: 'POST' })).status, 405)
})

interface Aggregation {
  readonly status_lists: readonly string[]
  readonly mintage: {
    readonly epoch: string
    readonly version: number
    readonly lists: Readonly<Record<string, { readonly version: number; readonly size: number }>>
  }
}

test('the aggregation names every list and the number of its last change', async (t) => {
  const at = await startTestIssuer(t)
  const token = await clientToken(at)
  const { uri } = placeOf(token)
  const metadata = await (await fetch(`${at.url}/.well-known/oauth-authorization-server`)).json()
  const endpoint = String(Object(metadata)['status_list_aggregation_endpoint'])
  t.is(endpoint, `${at.url}/status-lists`)
  const read = async () => {
    const answer = await fetch(endpoint)
    return { etag: answer.headers.get('etag') ?? '', body: (await answer.json()) as Aggregation }
  }
  // The list that the first token made is known as soon as the next question is asked.
  await readList(uri, `${at.url}/.well-known/jwks.json`)
  const before = await read()
  t.deepEqual(before.body.status_lists, [uri])
  t.is(before.body.mintage.lists[uri]?.size, 1_048_576)
  t.is((await fetch(endpoint, { headers: { 'If-None-Match': before.etag } })).status, 304)
  await ask(at, 'revoke', { token })
  await isActive(at, token)
  const after = await read()
  t.is(after.body.mintage.epoch, before.body.mintage.epoch)
  t.is(after.body.mintage.version, before.body.mintage.version + 1)
  t.is(after.body.mintage.lists[uri]?.version, after.body.mintage.version)
  t.not(after.etag, before.etag)
  const { claims } = await readList(uri, `${at.url}/.well-known/jwks.json`)
  t.true(Number(claims['version']) >= after.body.mintage.version)
})

test('an issuer with a path has its lists below it', async (t) => {
  const at = await startTestIssuer(t, { issuer: 'https://issuer.example/tenant/' })
  const { uri } = placeOf(await clientToken(at))
  t.true(uri.startsWith('https://issuer.example/tenant/status-lists/lst_'))
  const id = uri.slice(uri.lastIndexOf('/') + 1)
  for (const prefix of ['/tenant', '']) {
    t.is((await fetch(`${at.url}${prefix}/status-lists/${id}`)).status, 200)
    t.is((await fetch(`${at.url}${prefix}/status-lists`)).status, 200)
  }
  const { claims } = await readList(`${at.url}/tenant/status-lists/${id}`, `${at.url}/.well-known/jwks.json`)
  t.is(claims.sub, uri)
})

test('security 10: a free claim cannot set the status of a token', async (t) => {
  const status = { status_list: { idx: 0, uri: 'https://elsewhere.example' } }
  await t.throwsAsync(issuer.administration.users.create('eve', { claims: { status } }))
  await t.throwsAsync(issuer.administration.clients.update('service', { claims: { status } }))
})
