import test from 'ava'
import { sendCanaries } from '../faults/canary-run.ts'
import { startChildIssuer } from '../support/child-issuer.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, post } from '../support/oauth.ts'

test('security 36: nothing secret that was sent or issued is in a log, a metric, an error or the database', async (t) => {
  const figures = await sendCanaries(makeDirectory(t), 1)
  t.deepEqual(figures.found, [])
  t.true(figures.canaries > 1_000)
  for (const [place, size] of Object.entries(figures.searched)) t.true(size > 1_000, place)
})

test('security 37: a hostile name makes one line per event, and none of its own', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const before = issuer.stdout().split('\n').length
  const token = `${issuer.url}/oauth2/token`
  const hostile = ['ada\r\n{"event":"forged"}', '\u001b[2Jada', 'ada\n', '\u0085\u2028\u2029', 'ada\0']
  for (const name of hostile) {
    const login = { grant_type: 'password', username: name, password }
    t.is((await post(token, login, basic(service))).body['error'], 'invalid_grant')
    t.is((await post(token, login, basic({ id: name, secret: name }))).body['error'], 'invalid_client')
  }
  t.is(await issuer.end(), 0)
  const lines = issuer
    .stdout()
    .trimEnd()
    .split('\n')
    .slice(before - 1)
  const events = lines.map((line) => JSON.parse(line).event)
  const count = (event: string) => events.filter((each) => each === event).length
  t.is(count('login.failed'), hostile.length)
  t.is(count('client.authentication_failed'), hostile.length)
  t.is(count('forged'), 0)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  t.notRegex(issuer.output(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/)
})
