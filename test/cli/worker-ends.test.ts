import { once } from 'node:events'
import { chmodSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { findFreePort } from '../support/child-installation.ts'
import { runMintage } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, post } from '../support/oauth.ts'
import { openRaw } from '../support/raw-http.ts'
import { haveEnded, startWorkers } from '../support/workers.ts'

test.serial('a server whose workers cannot listen ends with what to do about it', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const address = holder.address()
  const port = String(typeof address === 'object' ? address?.port : 0)
  const environment = { ...serveEnvironment(makeDirectory(t)), MINTAGE_PORT: port }
  const { code, stdout, stderr } = await runMintage(['serve', '--workers', '2'], environment)
  t.is(code, 1)
  t.notRegex(stdout, /"listening"/)
  t.is(
    stderr,
    `mintage: 127.0.0.1:${port} is in use: stop what listens there, or choose another port (MINTAGE_PORT or --port).\n`,
  )
})

test.serial('what stops a start is found before any worker is started, and told once', async (t) => {
  const { MINTAGE_ISSUER: _, ...environment } = serveEnvironment(makeDirectory(t))
  const missing = await runMintage(['serve', '--workers', '3'], environment)
  t.is(missing.code, 1)
  t.regex(missing.stderr, /^mintage: MINTAGE_ISSUER is missing: .*\n$/)
  t.is(missing.stdout, '')
})

test.serial(
  'workers that are all killed come back at the same port, and end with the process that started them',
  async (t) => {
    const environment = serveEnvironment(makeDirectory(t))
    const { service } = await registerAccounts(environment)
    const server = await startWorkers(2, environment)
    t.teardown(() => server.end('SIGKILL'))
    for (const pid of server.pids()) process.kill(pid, 'SIGKILL')
    t.is(
      await eventually(
        async () => server.pids().length,
        (count) => count === 4,
      ),
      4,
    )
    const form = { grant_type: 'client_credentials' }
    t.is((await post(`${server.url}/oauth2/token`, form, basic(service))).status, 200)
    t.is((await fetch(`${server.adminUrl}/readyz`)).status, 200)
    t.is(await server.end('SIGKILL'), null)
    t.true(await haveEnded(server.pids()))
  },
)

test.serial(
  'a worker that cannot be started again is tried again, and the last one ends the server',
  async (t) => {
    const environment = serveEnvironment(makeDirectory(t))
    const server = await startWorkers(2, environment)
    const ended = once(server.process, 'exit')
    t.teardown(() => server.end('SIGKILL'))
    const keysDir = environment['MINTAGE_KEYS_DIR'] ?? ''
    const [name = ''] = readdirSync(keysDir).filter((file) => file.endsWith('.pem'))
    const [victim = 0, other = 0] = server.pids()
    chmodSync(join(keysDir, name), 0o644)
    process.kill(victim, 'SIGKILL')
    const failures = await eventually(
      async () => server.lines('worker.failed'),
      ({ length }) => length > 0,
    )
    t.regex(String(failures[0]?.['message']), new RegExp(name))
    t.is((await fetch(`${server.url}/readyz`)).status, 200)
    t.is((await fetch(`${server.adminUrl}/readyz`)).status, 200)
    process.kill(other, 'SIGKILL')
    t.deepEqual(await ended, [1, null])
    t.regex(server.output(), new RegExp(`mintage: no worker can be started: .*${name}`))
  },
)

test.serial('a worker that hangs is ended, and another takes its place', async (t) => {
  const server = await startWorkers(2, serveEnvironment(makeDirectory(t)))
  t.teardown(() => server.end('SIGKILL'))
  const [hanging = 0] = server.pids()
  process.kill(hanging, 'SIGSTOP')
  const count = await eventually(
    async () => server.pids().length,
    (started) => started === 3,
    120_000,
  )
  t.is(count, 3, server.output())
  t.deepEqual(
    server.lines('worker.silent').map(({ pid }) => pid),
    [hanging],
  )
  t.deepEqual(
    server.lines('worker.ended').map(({ pid, signal }) => [pid, signal]),
    [[hanging, 'SIGKILL']],
  )
  t.is((await fetch(`${server.adminUrl}/readyz`)).status, 200)
  t.is(await server.end(), 0)
})

test.serial('a second signal ends the server and its workers at once', async (t) => {
  const server = await startWorkers(2, serveEnvironment(makeDirectory(t)))
  const stuck = await openRaw(server.url)
  // A process that is killed may reset its connections.
  stuck.closed().catch(() => undefined)
  stuck.send('GET /livez HTTP/1.1\r\nHo')
  void server.end('SIGTERM')
  await eventually(
    async () => server.lines('stopping').length,
    (count) => count === 1,
  )
  t.is(await server.end('SIGTERM'), 1)
  t.is(server.lines('stopped').length, 0)
  t.true(await haveEnded(server.pids()))
})

test.serial('one worker is one process', async (t) => {
  const port = String(await findFreePort())
  const environment = { ...serveEnvironment(makeDirectory(t)), MINTAGE_PORT: port }
  const server = await startWorkers(1, environment)
  t.is(server.pids().length, 0)
  t.is(server.ready['workers'], undefined)
  t.is(await server.end(), 0)
})
