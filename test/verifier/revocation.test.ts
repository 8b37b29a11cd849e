import test from 'ava'
import { eventually } from '../support/eventually.ts'
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
