import test from 'ava'
import { eventually } from '../support/eventually.ts'
import { password } from '../support/in-process-issuer.ts'
import { registerAccounts } from '../support/installation.ts'
import { basic, toPair } from '../support/oauth.ts'
import { postgresServer, usePostgresInstallation } from '../support/postgres-database.ts'
import { successor } from '../support/refreshing.ts'
import { keepConnections, startWorkers } from '../support/workers.ts'

const onPostgres = postgresServer === undefined ? test.skip : test.serial

onPostgres('workers on PostgreSQL give one successor, count guesses together and come back', async (t) => {
  const installation = await usePostgresInstallation(t)
  const environment = {
    ...installation.environment,
    MINTAGE_TRUSTED_PROXIES: '127.0.0.1',
    MINTAGE_HASH_QUEUE: '400',
    // However slow the machine is, a retry is one.
    MINTAGE_REFRESH_RETRY_WINDOW: '10m',
  }
  const { service } = await registerAccounts(environment)
  const server = await startWorkers(2, environment)
  t.teardown(() => server.end('SIGKILL'))
  const connections = await keepConnections(server.url, 4)
  t.teardown(() => {
    for (const connection of connections) connection.close()
  })
  const token = (turn: number, form: Readonly<Record<string, string>>, headers = {}) => {
    const connection = connections[turn % connections.length]
    if (!connection) throw new Error('There is no connection.')
    return connection.post('/oauth2/token', form, { ...basic(service), ...headers })
  }
  const logIn = { grant_type: 'password', username: 'ada', password }
  const pair = toPair(await token(0, logIn))
  const refresh = { grant_type: 'refresh_token', refresh_token: pair.refresh_token }
  const answers = await Promise.all(Array.from({ length: 24 }, (_, turn) => token(turn, refresh)))
  t.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
  t.is(new Set(answers.map(successor)).size, 1)

  const wrong = { ...logIn, password: 'a wrong guess' }
  const from = { 'X-Forwarded-For': '203.0.113.7' }
  const guesses = await Promise.all(Array.from({ length: 40 }, (_, turn) => token(turn, wrong, from)))
  t.is(guesses.filter(({ status }) => status === 400).length, 10)
  t.is(guesses.filter(({ status }) => status === 429).length, 30)

  const [victim = 0] = server.pids()
  process.kill(victim, 'SIGKILL')
  const started = await eventually(
    async () => server.pids().length,
    (count) => count === 3,
  )
  t.is(started, 3)
  // Half of the connections went with the worker: who asks again opens others, and gets the same.
  for (const turn of [0, 1]) {
    const late = await eventually(
      () => token(turn, refresh).catch(() => undefined),
      (answer) => answer !== undefined,
    )
    t.true(answers.map(successor).includes(String(late?.body['refresh_token'])), late?.text)
  }
  t.is(await server.end(), 0)
})
