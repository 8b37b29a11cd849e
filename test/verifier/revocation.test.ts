import test from 'ava'
import { eventually } from '../support/eventually.ts'
import { basic } from '../support/oauth.ts'
import { startScriptedIssuer, toEvent } from './kit/scripted-issuer.ts'
import { becomesState, present, presentUntil, told, watch } from './kit/verifying.ts'

const revoked = '401 revoked'

test('a pushed revocation ends a token, first seen or remembered, and no other', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  const [first, second, third] = [issuer.mintOn(uri), issuer.mintOn(uri), issuer.mintOn(uri)]
  t.is(await present(watched, first.token), 'accepted')
  issuer.revoke(uri, first.index, second.index)
  t.is(await presentUntil(watched, first.token, revoked), revoked)
  t.is(await present(watched, second.token), revoked)
  t.is(await present(watched, third.token), 'accepted')
  issuer.revokeRange(uri, 2, 20)
  t.is(await presentUntil(watched, third.token, revoked), revoked)
  t.is(await present(watched, issuer.mint({ status: { status_list: { idx: 21, uri } } })), 'accepted')
  t.is(
    await present(watched, issuer.mint({ status: { status_list: { idx: 64, uri } } })),
    revoked,
    'no such index',
  )
})

test('what was revoked before is in the list', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const { token, index } = issuer.mintOn(uri)
  issuer.revoke(uri, index)
  const watched = watch(t, issuer)
  t.is(await present(watched, token), revoked, 'the first token waits for the lists')
  t.is(await present(watched, issuer.mintOn(uri).token), 'accepted')
})

test('a token without a status, and any with revocation off, needs no list', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const { token, index } = issuer.mintOn(uri)
  issuer.revoke(uri, index)
  issuer.answers.set('events', (_, response) => response.writeHead(500).end())
  issuer.answers.set('aggregation', (_, response) => response.writeHead(500).end())
  const pushed = watch(t, issuer)
  t.is(await present(pushed, issuer.mint()), 'accepted')
  t.is(pushed.verifier.state, 'blind')
  const off = watch(t, issuer, { revocation: 'off' })
  t.is(await present(off, token), 'accepted')
  t.is(off.verifier.state, 'off')
})

test('a list made while the stream runs is known without a fetch', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  const uri = issuer.addList()
  const { token, index } = issuer.mintOn(uri)
  t.is(await presentUntil(watched, token, 'accepted'), 'accepted')
  issuer.revoke(uri, index)
  t.is(await presentUntil(watched, token, revoked), revoked)
})

test('a list that nothing announced is fetched once, for well-signed tokens only', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  issuer.isPushing = false
  const uri = issuer.addList()
  const outcomes = await Promise.all([1, 2, 3].map(() => present(watched, issuer.mintOn(uri).token)))
  t.deepEqual(new Set(outcomes), new Set(['accepted']))
  t.is(issuer.count('list'), 1)
  const forged = issuer.mintOn(`${issuer.url}/status-lists/forged`).token.slice(0, -8)
  t.is(await present(watched, `${forged}AAAAAAAw`), '401 bad_signature')
  t.is(issuer.count('list'), 1)
  for (let at = 0; at < 5; at++) {
    t.is(await present(watched, issuer.mintOn(`${issuer.url}/status-lists/unknown`).token), '503 status')
  }
  t.is(issuer.count('list'), 2, 'a list that is not there is not asked for again at once')
  t.is(await present(watched, issuer.mintOn('https://elsewhere.example/status-lists/1').token), '503 status')
})

test('after a cut the stream goes on where it was, and nothing is lost', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  await told(watched, 'stream.opened')
  const { token, index } = issuer.mintOn(uri)
  const other = issuer.mintOn(uri)
  issuer.isPushing = false
  issuer.revoke(uri, index)
  issuer.isPushing = true
  issuer.cutStreams()
  t.is(await presentUntil(watched, token, revoked), revoked)
  t.is(await present(watched, other.token), 'accepted')
  await told(watched, 'stream.opened', 2)
  t.deepEqual(
    watched.events
      .filter(({ type }) => type === 'stream.opened')
      .map((event) => 'resumed' in event && event.resumed),
    [false, true],
  )
  t.is(await becomesState(watched, 'fresh'), 'fresh')
})

test('a version that was left out is doubt, and a snapshot ends it', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  const [lost, heard] = [issuer.mintOn(uri), issuer.mintOn(uri)]
  issuer.isPushing = false
  issuer.revoke(uri, lost.index)
  issuer.isPushing = true
  issuer.revoke(uri, heard.index)
  t.is(await presentUntil(watched, lost.token, revoked), revoked)
  t.is(await presentUntil(watched, heard.token, revoked), revoked)
  t.true(watched.events.some(({ type }) => type === 'stream.doubted'))
  const resumedAt = issuer.requests
    .filter(({ route }) => route === 'events')
    .map(({ headers }) => headers['last-event-id'])
  t.false(resumedAt.includes(`${issuer.epoch}.1`), 'nothing goes on from where the gap is')
})

test('a heartbeat that knows more than was sent is doubt', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  const { token, index } = issuer.mintOn(uri)
  issuer.isPushing = false
  issuer.revoke(uri, index)
  issuer.beat()
  t.is(await presentUntil(watched, token, revoked), revoked)
})

test('without a stream the issuer is asked every few seconds', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  issuer.answers.set('events', (_, response) => response.writeHead(503, { 'Retry-After': '1' }).end())
  for (const revocation of ['push', 'poll'] as const) {
    const watched = watch(t, issuer, { revocation, pollInterval: 100 })
    await watched.verifier.ready()
    const { token, index } = issuer.mintOn(uri)
    t.is(await present(watched, token), 'accepted', revocation)
    t.is(await becomesState(watched, 'fresh'), 'fresh')
    issuer.revoke(uri, index)
    t.is(await presentUntil(watched, token, revoked), revoked, revocation)
    const fetched = issuer.count('list')
    await told(watched, 'status.polled', watched.events.length + 2)
    t.is(issuer.count('list'), fetched, 'only lists that changed are fetched')
    watched.verifier.close()
  }
})

test('a list that changes while it is fetched is good enough for a stale verifier, and never for a fresh one', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer, { revocation: 'poll', pollInterval: 50 })
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  const [gone, good] = [issuer.mintOn(uri), issuer.mintOn(uri)]
  const old = issuer.signList(uri)
  issuer.answers.set('list', (_, response) => response.end(old))
  issuer.revoke(uri, gone.index)
  t.is(await becomesState(watched, 'stale'), 'stale')
  t.true((await told(watched, 'list.failed')) > 0)
  t.is(await present(watched, good.token), 'accepted')
  const other = issuer.addList()
  const before = issuer.signList(other)
  issuer.answers.set('list', (request, response) =>
    response.end(other.endsWith(request.url ?? '') ? before : old),
  )
  issuer.revoke(other, 9)
  t.is(await presentUntil(watched, issuer.mintOn(other).token, 'accepted'), 'accepted')
  t.is(watched.verifier.state, 'stale')
  issuer.answers.clear()
  t.is(await presentUntil(watched, gone.token, revoked), revoked)
  t.is(await becomesState(watched, 'fresh'), 'fresh')
})

test('an older version is refused, and what is known stays', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer, { pollInterval: 100 })
  await watched.verifier.ready()
  const { token, index } = issuer.mintOn(uri)
  const good = issuer.mintOn(uri)
  const before = issuer.version
  issuer.revoke(uri, index)
  t.is(await presentUntil(watched, token, revoked), revoked)
  // The database of before, with another history since.
  issuer.version = before
  issuer.changes = issuer.changes.filter(({ version }) => version <= before)
  issuer.lists.get(uri)?.bytes.fill(0)
  issuer.cutStreams()
  await told(watched, 'status.rolled-back')
  t.is(await present(watched, token), revoked)
  t.is(await present(watched, good.token), 'accepted')
  issuer.isPushing = false
  issuer.revoke(uri, good.index)
  issuer.addList()
  issuer.addList()
  issuer.isPushing = true
  t.is(await presentUntil(watched, good.token, revoked), revoked, 'the numbers of before hide nothing')
  t.is(await present(watched, token), revoked, 'a bit once set is never unset')
  t.is(await becomesState(watched, 'fresh'), 'fresh')
})

test('a new epoch revokes all lists of the old one, and the old one never comes back', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer, { pollInterval: 100 })
  await watched.verifier.ready()
  const { token } = issuer.mintOn(uri)
  t.is(await presentUntil(watched, token, 'accepted'), 'accepted')
  const old = issuer.epoch
  issuer.epoch = 'second'
  issuer.cutStreams()
  t.is(await presentUntil(watched, token, revoked), revoked)
  const fresh = issuer.addList()
  t.is(await presentUntil(watched, issuer.mintOn(fresh).token, 'accepted'), 'accepted')
  issuer.epoch = old
  issuer.cutStreams()
  const doubts = watched.events.filter(({ type }) => type === 'stream.doubted').length
  await told(watched, 'stream.doubted', doubts + 1)
  t.is(await present(watched, token), revoked)
})

test('a retired list is forgotten', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  const { token } = issuer.mintOn(uri)
  t.is(await present(watched, token), 'accepted')
  issuer.retire(uri)
  t.is(await presentUntil(watched, token, '401 expired'), '401 expired')
  t.is(issuer.count('list'), 1, 'nobody asked for it again')
})

test('fresh, stale and blind, by whichever clock says more, and what each policy makes of it', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const introspection = { clientId: 'api', clientSecret: 'secret' }
  const uri = issuer.addList()
  const policies = ['accept', 'refuse', 'introspect'] as const
  for (const [at, policy] of policies.entries()) {
    const watched = watch(t, issuer, { introspection, whenStale: policy, whenBlind: policy })
    await watched.verifier.ready()
    t.is(await becomesState(watched, 'fresh'), 'fresh')
    const { token } = issuer.mintOn(uri)
    t.is(await present(watched, token), 'accepted')
    // Nobody vouches for anything any more, by whichever way.
    issuer.isPushing = false
    for (const route of ['events', 'aggregation'] as const) {
      issuer.answers.set(route, (_, response) => response.writeHead(503).end())
    }
    const clock = at === 1 ? 'monotonic' : 'wall'
    for (const [state, age] of [
      ['stale', 7_000],
      ['blind', 15 * 60_000],
    ] as const) {
      watched.clocks[clock] += age
      t.is(await becomesState(watched, state), state)
      const outcome = policy === 'refuse' ? '503 status' : 'accepted'
      t.is(await present(watched, token), outcome, `${policy} ${state}`)
      t.is(await present(watched, issuer.mint()), 'accepted', 'a token without status is not concerned')
      if (policy !== 'introspect') continue
      issuer.active = false
      t.is(await present(watched, token), revoked)
      issuer.active = true
      issuer.answers.set('introspect', (_, response) => response.writeHead(500).end())
      t.is(await present(watched, token), '503 introspection')
      issuer.answers.delete('introspect')
    }
    issuer.answers.clear()
    issuer.isPushing = true
    watched.verifier.close()
  }
  const asked = issuer.requests.filter(({ route }) => route === 'introspect')
  t.is(asked[0]?.headers.authorization, basic({ id: 'api', secret: 'secret' }).Authorization)
  t.is(
    issuer.requests.find(({ route }) => route === 'events')?.headers.authorization,
    asked[0]?.headers.authorization,
  )
})

test('by default a stale verifier accepts and a blind one refuses with 503, but never what is known to be revoked', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer, { pollInterval: 100 })
  await watched.verifier.ready()
  const [gone, good] = [issuer.mintOn(uri), issuer.mintOn(uri)]
  issuer.revoke(uri, gone.index)
  t.is(await presentUntil(watched, gone.token, revoked), revoked)
  await issuer.stop()
  watched.clocks.wall += 7_000
  t.is(await becomesState(watched, 'stale'), 'stale')
  t.is(await present(watched, good.token), 'accepted')
  t.is(await present(watched, gone.token), revoked)
  watched.clocks.wall += 15 * 60_000
  t.is(await becomesState(watched, 'blind'), 'blind')
  t.is(await present(watched, good.token), '503 status')
  t.is(await present(watched, gone.token), revoked)
  await issuer.start()
  t.is(await presentUntil(watched, good.token, 'accepted'), 'accepted')
  t.deepEqual(
    watched.events
      .filter((event) => event.type === 'state.changed')
      .map(({ to }) => to)
      .slice(-4),
    ['fresh', 'stale', 'blind', 'fresh'],
  )
})

test('a clock that is set back keeps nothing young', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  watched.clocks.wall -= 3_600_000
  t.is(watched.verifier.state, 'fresh')
  issuer.isPushing = false
  watched.clocks.monotonic += 7_000
  t.is(await becomesState(watched, 'stale'), 'stale')
})

test('a stream that says nothing any more is given up for another', async (t) => {
  const issuer = await startScriptedIssuer(t)
  issuer.heartbeatEvery = 0
  const uri = issuer.addList()
  const watched = watch(t, issuer, { pollInterval: 500 })
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'stale'), 'stale')
  t.is(await present(watched, issuer.mintOn(uri).token), 'accepted')
  t.true((await told(watched, 'stream.lost')) >= 1)
  t.true((await told(watched, 'status.polled')) >= 1)
})

test('lists that are not what they should be are not believed', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const bomb = Buffer.from((await import('node:zlib')).deflateSync(Buffer.alloc(2 ** 25))).toString(
    'base64url',
  )
  const now = Math.floor(Date.now() / 1_000)
  const bad: Readonly<Record<string, string>> = {
    'another type': issuer.signList(uri, {}, { typ: 'at+jwt' }),
    'another list': issuer.signList(uri, { sub: `${uri}x` }),
    'another issuer': issuer.signList(uri, { iss: 'https://other.example' }),
    expired: issuer.signList(uri, { iat: now - 900, exp: now - 60 }),
    'not yet valid': issuer.signList(uri, { iat: now + 60 }),
    'no list': issuer.signList(uri, { status_list: undefined }),
    'another width': issuer.signList(uri, { status_list: { bits: 3, lst: 'eNrbuRgAAhcBXQ' } }),
    'no zlib': issuer.signList(uri, { status_list: { bits: 1, lst: 'AAAA' } }),
    'a zip bomb': issuer.signList(uri, { status_list: { bits: 1, lst: bomb } }),
    'a bad signature': `${issuer.signList(uri).slice(0, -8)}AAAAAAAw`,
    'another epoch': issuer.signList(uri, { epoch: 'other' }),
    'an old version': issuer.signList(uri, { version: 0 }),
    'no token': '<html>',
  }
  for (const [what, answer] of Object.entries(bad)) {
    issuer.answers.set('list', (_, response) => response.end(answer))
    const watched = watch(t, issuer)
    t.true((await told(watched, 'list.failed')) > 0, what)
    t.is(watched.verifier.state, 'blind', what)
    issuer.answers.clear()
    t.is(await presentUntil(watched, issuer.mintOn(uri).token, 'accepted'), 'accepted', what)
    watched.verifier.close()
  }
})

test('events that cannot be read end the stream, and nothing else', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  const next = () => `${issuer.epoch}.${issuer.version + 1}`
  const version = issuer.version + 1
  const bad = [
    toEvent('revoked', { version }, next()),
    toEvent('revoked', { version, uri, idx: ['1'] }, next()),
    toEvent('revoked', { version, uri, ranges: [[1]] }, next()),
    toEvent('revoked', { version, uri, idx: [1] }, undefined),
    toEvent('revoked', { version, uri, idx: [1] }, `other.${version}`),
    toEvent('list', { version, uri: `${uri}2`, size: 1e12 }, next()),
    toEvent('heartbeat', { version: 'x' }, undefined),
    toEvent('snapshot', { epoch: issuer.epoch, version, lists: [] }, next()),
    'event: revoked\ndata: {\n\n',
  ]
  for (const event of bad) {
    const opened = watched.events.filter(({ type }) => type === 'stream.opened').length
    await eventually(
      async () => issuer.streams.size,
      (size) => size === 1,
    )
    for (const stream of issuer.streams) stream.write(event)
    t.is(await told(watched, 'stream.opened', opened + 1), opened + 1, event)
  }
  for (const stream of issuer.streams) stream.write(': comment\n\nevent: unknown\ndata: x\n\n')
  const { token, index } = issuer.mintOn(uri)
  t.is(await present(watched, token), 'accepted')
  issuer.revoke(uri, index)
  t.is(await presentUntil(watched, token, revoked), revoked)
})

test('a list that is younger than an announcement is not taken for retired', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const before = { status_lists: [], mintage: issuer.snapshot() }
  // A cache on the way shows what was announced before the list was made.
  issuer.answers.set('aggregation', (_, response) => response.end(JSON.stringify(before)))
  const uri = issuer.addList()
  const watched = watch(t, issuer, { revocation: 'poll', pollInterval: 50 })
  const { token, index } = issuer.mintOn(uri)
  t.is(await presentUntil(watched, token, 'accepted'), 'accepted')
  const asked = issuer.count('aggregation')
  await eventually(
    async () => issuer.count('aggregation'),
    (count) => count >= asked + 3,
  )
  t.is(await present(watched, token), 'accepted')
  issuer.answers.clear()
  issuer.revoke(uri, index)
  t.is(await presentUntil(watched, token, revoked), revoked)
})
