import { once } from 'node:events'
import test from 'ava'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { scrape } from '../support/metrics.ts'
import { basic, post } from '../support/oauth.ts'

interface Row {
  readonly type: string
  readonly reason?: string
  readonly client?: string
  readonly count?: number
}

test('security 39: a flood of wrong passwords and secrets writes few rows, which tell of every attempt; lines and counters tell each', async (t) => {
  const environment = {
    ...serveEnvironment(makeDirectory(t)),
    MINTAGE_ADMIN_PORT: '0',
    MINTAGE_THROTTLE: 'off',
    MINTAGE_HASH_WAIT: '1m',
  }
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  const admin = String(/"admin.listening","url":"([^"]+)"/.exec(issuer.output())?.[1])
  const ask = (form: Readonly<Record<string, string>>, client = service) =>
    post(`${issuer.url}/oauth2/token`, { grant_type: 'password', password: 'wrong', ...form }, basic(client))
  for (let n = 0; n < 60; n += 20) {
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, () => ask({ username: 'ada' })),
      ...Array.from({ length: 20 }, (_, i) => ask({ username: `nobody-${n + i}` })),
      ...Array.from({ length: 20 }, () => ask({ username: 'ada' }, { id: 'service', secret: 'wrong' })),
      ...Array.from({ length: 20 }, (_, i) =>
        ask({ username: 'ada' }, { id: `stranger-${n + i}`, secret: 'wrong' }),
      ),
    ])
    t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([400, 401]))
  }
  const samples = await scrape(admin)
  t.is(samples.get('mintage_logins_total{outcome="password"}'), 60)
  t.is(samples.get('mintage_logins_total{outcome="unknown"}'), 60)
  t.is(samples.get('mintage_client_authentication_failures_total{reason="secret"}'), 60)
  t.is(samples.get('mintage_client_authentication_failures_total{reason="unknown"}'), 60)
  t.is(await issuer.end(), 0)
  t.is(issuer.output().split('"event":"login.failed"').length - 1, 120)
  t.is(issuer.output().split('"event":"client.authentication_failed"').length - 1, 120)

  const { stdout } = await runMintage(['audit', 'export'], environment)
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line): Row => JSON.parse(line))
  const count = (type: string, reason: string) =>
    rows
      .filter((row) => row.type === type && row.reason === reason)
      .reduce((total, { count = 1 }) => total + count, 0)
  t.is(count('login.failed', 'password'), 60)
  t.is(count('login.failed', 'unknown'), 60)
  t.is(count('client.authentication_failed', 'secret'), 60)
  t.is(count('client.authentication_failed', 'unknown'), 60)
  const failed = rows.filter(({ type }) => type.endsWith('failed'))
  // A window has a hundred at most, and some that count.
  t.true(failed.length < 240, `${failed.length} rows for 240 attempts`)
  t.regex((await runMintage(['audit', 'verify'], environment)).stdout, /^Intact: /)
})

test('security 39: a node that is killed has lost no row that it had for itself', async (t) => {
  const environment = { ...serveEnvironment(makeDirectory(t)), MINTAGE_THROTTLE: 'off' }
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  const wrong = { grant_type: 'password', username: 'ada', password: 'wrong' }
  for (let n = 0; n < 4; n++) await post(`${issuer.url}/oauth2/token`, wrong, basic(service))
  const exited = once(issuer.process, 'close')
  issuer.process.kill('SIGKILL')
  await exited
  const { stdout } = await runMintage(['audit', 'export', '--type', 'login.failed'], environment)
  t.is(stdout.trimEnd().split('\n').length, 4)
})
