import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { runMintage } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { password } from '../support/in-process-issuer.ts'
import { registerAccounts, serveEnvironment } from '../support/installation.ts'
import type { KeptConnection } from '../support/kept-connection.ts'
import { scrape } from '../support/metrics.ts'
import { basic, type OAuthAnswer, toPair } from '../support/oauth.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { successor } from '../support/refreshing.ts'
import { placeOf, revokes, subscribe } from '../support/status.ts'
import { keepConnections, startWorkers, type WorkerServer } from '../support/workers.ts'

// One server for all, each test after the other: they speak of whatever happens in a server's life, and of its end.
const directory = mkdtempSync(join(tmpdir(), 'mintage-test-'))
const environment = {
  ...serveEnvironment(directory),
  MINTAGE_TRUSTED_PROXIES: '127.0.0.1',
  MINTAGE_HASH_QUEUE: '400',
  // However slow the machine is, a retry is one.
  MINTAGE_REFRESH_RETRY_WINDOW: '10m',
}
let server: WorkerServer
let client: { readonly Authorization: string }
/** Two at each worker. */
let connections: readonly KeptConnection[]

test.before(async () => {
  const { service } = await registerAccounts(environment)
  client = basic(service)
  server = await startWorkers(2, environment)
  connections = await keepConnections(server.url, 4)
})
test.after.always(async () => {
  for (const connection of connections ?? []) connection.close()
  await server?.end('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** The connections in turn, so that one worker after the other is asked. */
function connection(turn: number): KeptConnection {
  const chosen = connections[turn % connections.length]
  if (!chosen) throw new Error('There is no connection.')
  return chosen
}

function token(turn: number, form: Readonly<Record<string, string>>): Promise<OAuthAnswer> {
  return connection(turn).post('/oauth2/token', form, client)
}

const logIn = async (turn: number) =>
  toPair(await token(turn, { grant_type: 'password', username: 'ada', password }))

const refresh = (turn: number, refreshToken: string) =>
  token(turn, { grant_type: 'refresh_token', refresh_token: refreshToken })

test.serial('serve --workers says once where it listens, when every worker accepts requests', async (t) => {
  t.is(server.lines('listening').length, 1)
  t.is(server.ready['workers'], 2)
  t.is(server.pids().length, 2)
  t.is((await connection(0).get('/readyz')).status, 200)
  t.is((await fetch(`${server.adminUrl}/readyz`)).status, 200)
})

test.serial('one refresh token that is presented at all workers at once has one successor', async (t) => {
  for (let round = 0; round < 3; round++) {
    const pair = await logIn(round)
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, turn) => refresh(turn, pair.refresh_token)),
    )
    t.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
    t.is(new Set(answers.map(successor)).size, 1)
  }
})

test.serial('a session that is refreshed at one worker after the other goes on', async (t) => {
  let { refresh_token: current } = await logIn(0)
  for (let turn = 0; turn < 12; turn++) {
    const answer = await refresh(turn, current)
    t.is(answer.status, 200, answer.text)
    current = successor(answer)
  }
})

test.serial(
  'what is revoked at one worker is revoked at the others, and told to who follows them',
  async (t) => {
    const streams = [await subscribe(server.url), await subscribe(server.url)]
    try {
      for (const turn of [0, 1]) {
        const pair = await logIn(turn)
        const ask = (at: number) =>
          connection(at).post('/oauth2/introspect', { token: pair.access_token }, client)
        t.is((await ask(turn + 1)).body['active'], true)
        const revoked = await connection(turn).post('/oauth2/revoke', { token: pair.refresh_token }, client)
        t.is(revoked.status, 200)
        t.is((await ask(turn + 1)).body['active'], false)
        t.is((await refresh(turn + 1, pair.refresh_token)).body['error'], 'invalid_grant')
        for (const stream of streams) t.truthy(await stream.find(revokes(placeOf(pair.access_token))))
      }
    } finally {
      await Promise.all(streams.map((stream) => stream.close()))
    }
  },
)

test.serial(
  'row 15: guesses count together at whichever worker they are made, and are cleared there',
  async (t) => {
    const guess = (turn: number, secret = 'a wrong guess') =>
      connection(turn).post(
        '/oauth2/token',
        { grant_type: 'password', client_id: 'app', username: 'ada', password: secret },
        { 'X-Forwarded-For': '203.0.113.7' },
      )
    const answers = await Promise.all(Array.from({ length: 60 }, (_, turn) => guess(turn)))
    const count = (wished: number) => answers.filter(({ status }) => status === wished).length
    t.deepEqual([count(400), count(429)], [10, 50])
    for (const turn of [0, 1]) t.is((await guess(turn, password)).status, 429)

    const cleared = await runMintage(['throttle', 'clear', '--all'], environment)
    t.is(cleared.code, 0, cleared.stderr)
    for (const turn of [0, 1]) {
      const answer = await eventually(
        () => guess(turn, password),
        ({ status }) => status === 200,
      )
      t.is(answer.status, 200, answer.text)
    }
  },
)

test.serial('the admin listener tells the numbers of all workers together', async (t) => {
  const issued = 'mintage_tokens_issued_total{grant="client_credentials"}'
  const before = await scrape(server.adminUrl)
  for (let turn = 0; turn < 8; turn++) {
    t.is((await token(turn, { grant_type: 'client_credentials' })).status, 200)
  }
  const after = await scrape(server.adminUrl)
  t.is((after.get(issued) ?? 0) - (before.get(issued) ?? 0), 8)
  t.is(after.get('mintage_processes_serving'), 2)
  t.is(after.get('mintage_worker_ends_total'), 0)
  t.is(after.get('mintage_signing_keys{state="current"}'), 1)
  const started = after.get('process_start_time_seconds') ?? 0
  t.true(started > 1_600_000_000 && started < Date.now() / 1_000 + 1, `${started}`)
  t.is([...after.keys()].filter((name) => name.startsWith('mintage_build_info')).length, 1)
})

test.serial('a worker that is killed under load loses no refresh, and is started again', async (t) => {
  const watched: RawConnection[] = []
  while (watched.length < 4) {
    const opened = await openRaw(server.url)
    watched.push(opened)
    // A process that is killed may reset them.
    opened.closed().catch(() => undefined)
    opened.send('GET /livez HTTP/1.1\r\nHost: i\r\n\r\n')
    await opened.until(/alive/)
  }
  const issued = 'mintage_refreshes_total{outcome="rotated"}'
  const before = (await scrape(server.adminUrl)).get(issued) ?? 0
  const [victim = 0] = server.pids()
  let isOver = false
  let broken = 0
  const refused: string[] = []
  const chains = await Promise.all(Array.from({ length: 8 }, (_, turn) => logIn(turn)))
  const running = chains.map(async (pair, turn) => {
    for (let current = pair.refresh_token; !isOver; ) {
      const answer = await refresh(turn, current).catch(() => undefined)
      if (answer?.status === 200) current = successor(answer)
      else if (answer) refused.push(answer.text)
      else broken++
    }
  })
  const rotated = () => scrape(server.adminUrl).then((samples) => samples.get(issued) ?? 0)
  await eventually(rotated, (count) => count > before + 40)
  process.kill(victim, 'SIGKILL')
  const again = await eventually(
    async () => server.pids().length,
    (count) => count === 3,
  )
  const atReturn = await rotated()
  await eventually(rotated, (count) => count > atReturn + 40)
  isOver = true
  await Promise.all(running)

  t.deepEqual(refused, [])
  t.is(again, 3)
  t.true(broken > 0, 'Whoever was connected to the worker has met its end.')
  t.like(server.lines('worker.ended')[0], { pid: victim, code: null, signal: 'SIGKILL' })
  t.is(server.lines('session.reused').length, 0)
  t.is(watched.filter(({ socket }) => socket.destroyed).length, 2, 'Each worker had half of the connections.')
  const after = await scrape(server.adminUrl)
  t.is(after.get('mintage_worker_ends_total'), 1)
  t.is(after.get('mintage_processes_serving'), 2)
  t.true((after.get(issued) ?? 0) >= atReturn, 'What the worker had counted counts on.')
  for (const each of watched) each.socket.destroy()
})

test.serial('a stop signal stops every worker, and drops nothing that was accepted', async (t) => {
  const pairs = await Promise.all(Array.from({ length: 8 }, (_, turn) => logIn(turn)))
  const idle = await openRaw(server.url)
  idle.closed().catch(() => undefined)
  const underWay = [
    ...pairs.map((pair, turn) => refresh(turn, pair.refresh_token)),
    ...Array.from({ length: 8 }, (_, turn) => token(turn, { grant_type: 'client_credentials' })),
  ]
  await Promise.race(underWay)
  // As a supervisor does that signals the whole group: the first process says when to stop.
  for (const pid of server.pids().slice(1)) process.kill(pid, 'SIGTERM')
  const ended = server.end('SIGTERM')
  for (const answer of await Promise.all(underWay)) t.is(answer.status, 200, answer.text)
  for (const each of connections) each.close()
  idle.socket.destroy()
  t.is(await ended, 0)
  t.deepEqual(
    ['stopping', 'stopped'].map((event) => server.lines(event).length),
    [1, 1],
  )
  t.is(server.lines('worker.ended').length, 1)
  for (const line of server.stdout().trimEnd().split('\n')) {
    t.notThrows(() => JSON.parse(line), line)
  }
})
