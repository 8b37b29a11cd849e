import test from 'ava'
import { readConfig } from '../../src/config.ts'
import { makeChildInstallation } from '../support/child-installation.ts'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { audience, password } from '../support/in-process-issuer.ts'
import { makeDirectory } from '../support/installation.ts'
import { basic, post } from '../support/oauth.ts'

test('row 15: throttle list tells who is refused, and throttle clear reaches a running server, and a restarted one', async (t) => {
  const installation = await makeChildInstallation({
    environment: { MINTAGE_THROTTLE: 'on', MINTAGE_TRUSTED_PROXIES: '127.0.0.1' },
  })
  t.teardown(() => installation.remove())
  const { secret } = await installation.prepare(async ({ apis, clients, users }) => {
    await apis.create(audience, { scopes: ['orders:read'] })
    await users.create('ada', { email: 'ada@example.org', password })
    const grants = ['password', 'client_credentials'] as const
    return clients.create('web', false, { grants, audiences: [audience] })
  })
  const web = { id: 'web', secret: secret ?? '' }
  const server = await installation.serve()
  const send = (form: Record<string, string>, client = web, from = '203.0.113.7') =>
    post(`${server.url}/oauth2/token`, form, { ...basic(client), 'X-Forwarded-For': from })
  const logIn = (guess: string) => send({ grant_type: 'password', username: 'ada', password: guess })
  const asClient = (guess: string) => send({ grant_type: 'client_credentials' }, { id: 'web', secret: guess })
  t.is((await asClient(web.secret)).status, 200)

  for (let n = 0; n < 10; n++) t.is((await logIn(`wrong ${n}`)).status, 400)
  t.is((await logIn(password)).status, 429)
  const listed = await installation.administer('throttle', 'list')
  t.like(listed, [{ kind: 'user', by: 'name', name: 'ada', network: null }])
  t.deepEqual(await installation.administer('throttle', 'list', '--user', 'ada@example.org'), listed)
  t.deepEqual(await installation.administer('throttle', 'list', '--user', 'grace'), [])

  // The counts of this node are in its memory, and what is used up stays so over a restart.
  await server.end()
  const again = await installation.serve()
  t.is(again.url, server.url)
  t.is((await logIn(password)).status, 429)
  t.deepEqual(await installation.administer('throttle', 'clear', '--user', 'ada'), { cleared: 1 })
  const cleared = await eventually(
    () => logIn(password),
    ({ status }) => status === 200,
  )
  t.is(cleared.status, 200)
  t.deepEqual(await installation.administer('throttle', 'list'), [])

  for (let n = 0; n < 30; n++) t.is((await asClient(`wrong ${n}`)).status, 401)
  t.is((await asClient(web.secret)).status, 429)
  t.like(await installation.administer('throttle', 'list', '--client', 'web'), [
    { kind: 'client', by: 'name', name: 'web', network: '203.0.113.7' },
  ])
  t.deepEqual(await installation.administer('throttle', 'list', '--network', '198.51.100.0/24'), [])
  t.deepEqual(await installation.administer('throttle', 'clear', '--network', '203.0.113.0/24'), {
    cleared: 1,
  })
  const known = await eventually(
    () => asClient(web.secret),
    ({ status }) => status === 200,
  )
  t.is(known.status, 200)
  const events: unknown[] = []
  await installation.prepare(async ({ audit }) => {
    for await (const { event } of audit.tail(100, { type: 'throttle' })) events.push(event)
  })
  t.like(events, [{ type: 'throttle.cleared' }, { type: 'throttle.cleared', network: '203.0.113.0/24' }])
})

test('throttle clear wants one thing said, and a network that is one', async (t) => {
  for (const args of [['clear'], ['clear', '--all', '--user', 'ada'], ['list', '--network', 'here']]) {
    const { code, stderr } = await runMintage(['throttle', ...args])
    t.is(code, 2)
    t.regex(stderr, /^error: /)
  }
})

test('row 15: serve slows guessing down unless it is told otherwise, and dev does not', async (t) => {
  const directory = makeDirectory(t)
  const dev = await startChildIssuer(['dev', '--port', '0', '--data', directory, '--json'], {
    MINTAGE_BCRYPT_COST: '4',
  })
  t.teardown(() => dev.end('SIGKILL'))
  const { public_client_id: client_id } = dev.ready
  const guess = { grant_type: 'password', client_id: String(client_id), username: 'ada', password: 'wrong' }
  const statuses: number[] = []
  for (let n = 0; n < 12; n++) statuses.push((await post(`${dev.url}/oauth2/token`, guess)).status)
  t.deepEqual(new Set(statuses), new Set([400]))
  t.true(readConfig({}).throttle)
})
