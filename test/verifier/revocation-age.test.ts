import test from 'ava'
import { basic } from '../support/oauth.ts'
import { startScriptedIssuer } from './kit/scripted-issuer.ts'
import { becomesState, present, presentUntil, told, watch } from './kit/verifying.ts'

const revoked = '401 revoked'

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
