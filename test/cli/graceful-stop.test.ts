import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { startChildIssuer } from '../support/child-issuer.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, post, toPair } from '../support/oauth.ts'
import { openRaw, statuses } from '../support/raw-http.ts'

async function startServe(t: Parameters<typeof makeDirectory>[0], extra: Record<string, string> = {}) {
  const environment = { ...serveEnvironment(makeDirectory(t)), ...extra }
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  return { issuer, client: basic(service), token: `${issuer.url}/oauth2/token`, environment }
}

const form = 'grant_type=client_credentials'

function tokenRequest(authorization: string): string {
  return (
    `POST /oauth2/token HTTP/1.1\r\nHost: i\r\nAuthorization: ${authorization}\r\n` +
    `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`
  )
}

test.serial('a stop signal under load drops nothing that was accepted', async (t) => {
  // Dear hashes, so that logins are under way when the signal comes.
  const { issuer, client, token } = await startServe(t, { MINTAGE_BCRYPT_COST: '8' })
  const login = () => post(token, { grant_type: 'password', username: 'ada', password }, client)
  const sessions = await Promise.all(Array.from({ length: 12 }, login))
  const pairs = sessions.map(toPair)
  // Each connection sends its request, then the signal goes, so every one of them was accepted before.
  const connections = await Promise.all(Array.from({ length: 12 }, () => openRaw(issuer.url)))
  for (const connection of connections) connection.send(tokenRequest(client.Authorization))
  const underWay = [
    ...pairs.map(({ refresh_token }) => post(token, { grant_type: 'refresh_token', refresh_token }, client)),
    ...Array.from({ length: 12 }, login),
    ...Array.from({ length: 12 }, () => post(token, { grant_type: 'client_credentials' }, client)),
  ]
  await Promise.race(underWay)
  const ended = issuer.end('SIGTERM')
  for (const answer of await Promise.all(underWay)) t.is(answer.status, 200, answer.text)
  for (const connection of connections) {
    t.deepEqual(statuses(await connection.until(/"access_token"[^}]*\}/)), [200])
    connection.socket.destroy()
  }
  t.is(await ended, 0)
  t.regex(issuer.output(), /"event":"stopping","reason":"SIGTERM"/)
  t.regex(issuer.output(), /"event":"stopped"/)
})

test.serial(
  'while it stops, readyz says that it is draining and answers ask to connect elsewhere',
  async (t) => {
    const { issuer, client } = await startServe(t)
    const kept = await openRaw(issuer.url)
    kept.send('GET /readyz HTTP/1.1\r\nHost: i\r\n\r\n')
    t.notRegex(await kept.until(/"ready"/), /Connection: close/i)
    const idle = await openRaw(issuer.url)
    idle.send(tokenRequest(client.Authorization))
    await idle.until(/access_token/)
    const ended = issuer.end('SIGTERM')
    while (!issuer.output().includes('"stopping"')) await delay(10)
    kept.send('GET /readyz HTTP/1.1\r\nHost: i\r\n\r\n')
    const answered = await kept.closed()
    t.deepEqual(statuses(answered), [200, 503])
    t.regex(answered, /"problems":\["draining"\]/)
    t.regex(answered, /\r\nConnection: close\r\n/)
    // What a client sent before it could know is answered too.
    idle.send(tokenRequest(client.Authorization))
    t.deepEqual(statuses(await idle.closed()), [200, 200])
    t.is(await ended, 0)
  },
)

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.serial(
    `${signal} ends it although a connection idles and a request never comes to its end`,
    async (t) => {
      const { issuer, client } = await startServe(t)
      const idle = await openRaw(issuer.url)
      idle.send(tokenRequest(client.Authorization))
      await idle.until(/access_token/)
      const silent = await openRaw(issuer.url)
      const stuckHead = await openRaw(issuer.url)
      stuckHead.send('GET /livez HTTP/1.1\r\nHo')
      const stuckBody = await openRaw(issuer.url)
      stuckBody.send(tokenRequest(client.Authorization).slice(0, -3))
      t.is(await issuer.end(signal), 0)
      await Promise.all([idle, silent, stuckHead, stuckBody].map((connection) => connection.closed()))
    },
  )
}

test.serial('a herd of logins does not keep it from stopping', async (t) => {
  // Three dozen hashes of a second each on one thread: far more than a stop has time for.
  const { issuer, client, token } = await startServe(t, {
    MINTAGE_BCRYPT_COST: '13',
    MINTAGE_THROTTLE: 'off',
  })
  const herd = Array.from({ length: 36 }, () =>
    post(token, { grant_type: 'password', username: 'nobody', password }, client).then(
      ({ status }) => status,
      () => 'cut',
    ),
  )
  await Promise.race([...herd, delay(2_000)])
  const code = await Promise.race([issuer.end('SIGTERM'), delay(12_000).then(() => 'still running')])
  t.is(code, 0)
  for (const end of await Promise.all(herd)) t.true([400, 503, 'cut'].includes(end), String(end))
})

test.serial('a second signal ends it at once', async (t) => {
  const { issuer } = await startServe(t)
  const stuck = await openRaw(issuer.url)
  stuck.send('GET /livez HTTP/1.1\r\nHo')
  void issuer.end('SIGTERM')
  while (!issuer.output().includes('"stopping"')) await delay(10)
  t.is(await issuer.end('SIGTERM'), 1)
  t.notRegex(issuer.output(), /"stopped"/)
})
