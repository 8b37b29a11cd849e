import test from 'ava'
import { eventually } from '../support/eventually.ts'
import { startScriptedIssuer } from './kit/scripted-issuer.ts'
import { becomesState, present, presentUntil, told, watch } from './kit/verifying.ts'

const revoked = '401 revoked'

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
