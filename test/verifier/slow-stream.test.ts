import test from 'ava'
import { eventually } from '../support/eventually.ts'
import { startScriptedIssuer } from './kit/scripted-issuer.ts'
import { becomesState, told, watch } from './kit/verifying.ts'

test('what comes late over a slow stream makes nobody fresh', async (t) => {
  const issuer = await startScriptedIssuer(t)
  issuer.addList()
  // Whatever comes was said when the stream began.
  issuer.tellAt = () => 1_000
  const watched = watch(t, issuer, { pollInterval: '1h' })
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  issuer.answers.set('events', (_, response) => response.writeHead(503).end())
  issuer.answers.set('aggregation', (_, response) => response.writeHead(503).end())
  const heard = issuer.requests.length
  watched.clocks.monotonic += 6_000
  await told(watched, 'stream.lost')
  t.is(watched.verifier.state, 'stale', 'the heartbeats that came were old')
  const [lost] = watched.events.filter(({ type }) => type === 'stream.lost')
  t.like(lost, { problem: 'The event stream lags behind.' })
  issuer.answers.clear()
  t.is(await becomesState(watched, 'fresh'), 'fresh', 'another connection begins anew')
  t.true(issuer.requests.length > heard)
})

test('an issuer whose clock goes on with ours is believed for as long as the stream lives', async (t) => {
  const issuer = await startScriptedIssuer(t)
  issuer.addList()
  let passed = 0
  issuer.tellAt = () => performance.now() + passed
  const watched = watch(t, issuer, { pollInterval: '1h' })
  await watched.verifier.ready()
  for (let hours = 0; hours < 3; hours++) {
    passed += 3_600_000
    watched.clocks.monotonic += 3_600_000
    watched.clocks.wall += 3_600_000
    t.is(await becomesState(watched, 'fresh'), 'fresh')
  }
  t.false(watched.events.some(({ type }) => type === 'stream.lost'))
})

test('an attempt to open the stream that fails leaves nothing behind', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const attempts: AbortSignal[] = []
  const watched = watch(t, issuer, {
    fetch: async (url, init) => {
      if (!url.endsWith('/events')) return fetch(url, init)
      attempts.push(init.signal)
      throw new Error('Nobody there.')
    },
  })
  await eventually(
    async () => attempts.length,
    (count) => count > 1,
  )
  watched.verifier.close()
  t.false(attempts[0]?.aborted, 'nothing of it waits for the end of the verifier')
})
