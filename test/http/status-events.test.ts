import { once } from 'node:events'
import { request } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import { eventually } from '../support/eventually.ts'
import { startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic } from '../support/oauth.ts'
import { ask, clientToken, login } from '../support/requests.ts'
import { placeOf, revokes, type Subscription, subscribe } from '../support/status.ts'

/** Subscribes, and lets go after the test. */
async function follow(
  t: ExecutionContext,
  { url }: Pick<TestIssuer, 'url'>,
  headers?: Readonly<Record<string, string>>,
): Promise<Subscription> {
  const subscription = await subscribe(url, headers)
  t.teardown(() => subscription.close())
  return subscription
}

/** The latest change that the subscription has heard of. */
async function lastId(subscription: Subscription, count: number): Promise<string> {
  await eventually(
    async () => subscription.changes().length,
    (length) => length >= count,
  )
  return subscription.changes()[count - 1]?.id ?? ''
}

test('a subscriber gets a snapshot, then every change in order without a gap, and heartbeats', async (t) => {
  const issuer = await startTestIssuer(t)
  const stream = await follow(t, issuer)
  t.is(stream.status, 200)
  t.is(stream.headers.get('content-type'), 'text/event-stream')
  t.is(stream.headers.get('x-accel-buffering'), 'no')
  t.is(stream.headers.get('cache-control'), 'no-store')
  const snapshot = await stream.find(({ event }) => event === 'snapshot')
  const { epoch, version } = snapshot.data
  t.is(snapshot.id, `${epoch}.${version}`)
  t.deepEqual(snapshot.data['lists'], {})
  t.deepEqual(snapshot.data['withdrawn_keys'], [])

  const tokens = [await clientToken(issuer), (await login(issuer)).access_token, await clientToken(issuer)]
  for (const token of tokens) await ask(issuer, 'revoke', { token })
  for (const token of tokens) await stream.find(revokes(placeOf(token)))
  const changes = stream.changes()
  t.deepEqual(
    changes.map(({ event }) => event),
    ['list', 'list', 'revoked', 'revoked', 'revoked'],
  )
  t.deepEqual(
    changes.map(({ id }) => id),
    changes.map((_change, index) => `${epoch}.${Number(version) + 1 + index}`),
  )
  t.deepEqual(changes[0]?.data, {
    version: Number(version) + 1,
    uri: placeOf(tokens[0] ?? '').uri,
    size: 1_048_576,
  })
  const heartbeat = await stream.find(
    ({ event, data }) => event === 'heartbeat' && data['version'] === Number(version) + 5,
  )
  t.is(heartbeat.id, undefined)
  t.true(Number(heartbeat.data['age']) >= 0)
  t.true(Number(heartbeat.data['at']) > 0)
  t.false(stream.isEnded)
})

test('whoever comes back with the id of the last event gets what it missed and nothing twice', async (t) => {
  const issuer = await startTestIssuer(t)
  const before = await follow(t, issuer)
  const tokens = [await clientToken(issuer), await clientToken(issuer), await clientToken(issuer)]
  for (const token of tokens) await ask(issuer, 'revoke', { token })
  const id = await lastId(before, 2)
  await lastId(before, 4)
  await before.close()
  await ask(issuer, 'revoke', { token: (await login(issuer)).access_token })
  const after = await follow(t, issuer, { 'Last-Event-ID': id })
  await lastId(after, 4)
  t.is(after.events[0]?.event, 'resumed')
  t.is(after.events[0]?.id, id)
  const version = Number(id.slice(id.lastIndexOf('.') + 1))
  t.deepEqual(after.events[0]?.data, { epoch: id.slice(0, id.lastIndexOf('.')), version })
  t.deepEqual(
    after.changes().map(({ data }) => data['version']),
    [version + 1, version + 2, version + 3, version + 4],
  )
})

test('in doubt there is a snapshot: another epoch, an id from the future, one that is none', async (t) => {
  const issuer = await startTestIssuer(t)
  await clientToken(issuer)
  const first = await follow(t, issuer)
  const { id = '' } = await first.find(({ event }) => event === 'snapshot')
  const epoch = id.slice(0, id.lastIndexOf('.'))
  for (const doubtful of [`other.1`, `${epoch}.999999`, `${epoch}.`, epoch, 'nonsense', `${epoch}.-1`]) {
    const stream = await follow(t, issuer, { 'Last-Event-ID': doubtful })
    const [event] = [await stream.find(() => true)]
    t.is(event.event, 'snapshot', doubtful)
  }
  const same = await follow(t, issuer, { 'Last-Event-ID': id })
  t.is((await same.find(() => true)).event, 'resumed')
})

test('keys that are rotated or revoked are told in the same sequence', async (t) => {
  const issuer = await startTestIssuer(t)
  const token = await clientToken(issuer)
  const stream = await follow(t, issuer)
  const { keys } = (await (await fetch(`${issuer.url}/.well-known/jwks.json`)).json()) as {
    readonly keys: readonly { readonly kid: string }[]
  }
  const kid = keys[0]?.kid ?? ''
  await issuer.administration.keys.revoke(kid)
  const told = await stream.find(({ event }) => event === 'keys')
  t.deepEqual(told.data['withdrawn'], [kid])
  await issuer.administration.keys.revokeAll()
  const all = await stream.find(revokes(placeOf(token)))
  t.deepEqual(Object.keys(all.data), ['version', 'uri', 'ranges'])
  const late = await follow(t, issuer)
  const snapshot = await late.find(({ event }) => event === 'snapshot')
  t.true(Array.isArray(snapshot.data['withdrawn_keys']))
  t.true(JSON.stringify(snapshot.data['withdrawn_keys']).includes(kid))
  const versions = stream.changes().map(({ data }) => Number(data['version']))
  t.deepEqual(
    versions,
    versions.map((_version, index) => Number(versions[0]) + index),
  )
})

test('a client has a reserved place; strangers have a tenth per network, this machine is exempt', async (t) => {
  const issuer = await startTestIssuer(t, {
    environment: { MINTAGE_STREAM_SUBSCRIBERS: '20', MINTAGE_TRUSTED_PROXIES: '127.0.0.1' },
  })
  const from = (address: string) => follow(t, issuer, { 'X-Forwarded-For': address })
  const statuses: number[] = []
  for (let n = 0; n < 3; n++) statuses.push((await from('2001:db8::1')).status)
  t.deepEqual(statuses, [200, 200, 503], 'two of twenty are a tenth')
  t.is((await from('2001:db8::ffff:2')).status, 503, 'the same /64')
  t.is((await from('2001:db8:0:1::1')).status, 200)
  const spoofed = await from('203.0.113.9, 2001:db8::1')
  t.is(spoofed.status, 503, 'what stands left of the proxy’s word is not believed')
  t.regex(spoofed.headers.get('retry-after') ?? '', /^\d+$/)
  const strangers: Subscription[] = []
  for (let n = 3; n < 20; n++) strangers.push(await from(`198.51.100.${n}`))
  t.true(strangers.every(({ status }) => status === 200))
  t.is((await from('198.51.100.200')).status, 503, 'all places are taken')
  t.is((await follow(t, issuer)).status, 503)
  const client = await follow(t, issuer, { ...basic(issuer.service), 'X-Forwarded-For': '2001:db8::1' })
  t.is(client.status, 200)
  await client.find(({ event }) => event === 'snapshot')
  const cut = await eventually(
    async () => strangers.filter(({ isEnded }) => isEnded).length,
    (count) => count > 0,
  )
  t.true(cut <= 1)
  const bad = await follow(t, issuer, basic({ id: 'service', secret: 'wrong' }))
  t.is(bad.status, 401)
  t.is((await follow(t, issuer, basic({ id: 'app', secret: '' }))).status, 401)
})

test('a place is free again when its subscriber is gone', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_STREAM_SUBSCRIBERS: '1' } })
  const first = await follow(t, issuer)
  t.is((await follow(t, issuer)).status, 503)
  await first.close()
  const again = await eventually(
    () => follow(t, issuer),
    ({ status }) => status === 200,
  )
  t.is(again.status, 200)
})

test('streams end when the issuer stops, and do not keep it from stopping', async (t) => {
  const issuer = await startTestIssuer(t)
  const streams = [await follow(t, issuer), await follow(t, issuer, basic(issuer.service))]
  await issuer.stop()
  for (const stream of streams) {
    t.true(
      await eventually(
        async () => stream.isEnded,
        (isEnded) => isEnded,
      ),
    )
  }
})

test('a reader that takes nothing is cut, and the others hear everything', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_STREAM_SUBSCRIBERS: '2' } })
  const { uri } = placeOf(await clientToken(issuer))
  const attentive = await follow(t, issuer)
  const stuck = request(`${issuer.url}/status-lists/events`).end()
  stuck.on('error', () => undefined)
  const [response] = await once(stuck, 'response')
  response.on('error', () => undefined)
  t.teardown(() => stuck.destroy())
  t.is((await follow(t, issuer)).status, 503, 'it has the last place')
  const list = uri.slice(uri.lastIndexOf('/') + 1)
  // Large ones, for the system itself keeps megabytes for whoever does not read.
  const idx = Array.from({ length: 20_000 }, (_, index) => 900_000 + index)
  let sent = 0
  const isCut = await eventually(
    async () => {
      await issuer.store.transaction(async (tx) => {
        for (let n = 0; n < 8; n++) await tx.statusLog.append({ kind: 'revoked', list, idx })
      })
      sent += 8
      const count = () => attentive.changes().filter(({ event }) => event === 'revoked').length
      await eventually(
        async () => count(),
        (heard) => heard >= sent,
      )
      return (await follow(t, issuer)).status === 200
    },
    (cut) => cut,
    60_000,
  )
  t.true(isCut)
  t.false(attentive.isEnded)
  t.is(attentive.changes().filter(({ event }) => event === 'revoked').length, sent)
})

test('a HEAD request is answered and subscribes nobody', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_STREAM_SUBSCRIBERS: '1' } })
  const head = await fetch(`${issuer.url}/status-lists/events`, { method: 'HEAD' })
  t.is(head.status, 200)
  t.is((await follow(t, issuer)).status, 200)
})
