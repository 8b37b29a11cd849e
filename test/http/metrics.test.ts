import test from 'ava'
import { metricDefinitions } from '../../src/events/metric-definitions.ts'
import { eventually } from '../support/eventually.ts'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { growth, scrape } from '../support/metrics.ts'
import { basic } from '../support/oauth.ts'
import { exchange, openRaw } from '../support/raw-http.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'

const withAdmin = { environment: { MINTAGE_ADMIN_PORT: '0' } }

/** Those of `grown` that begin with a name, whose labels are the rest. */
function seriesOf(grown: Readonly<Record<string, number>>, name: string): Readonly<Record<string, number>> {
  const own = Object.entries(grown).filter(([series]) => series === name || series.startsWith(`${name}{`))
  return Object.fromEntries(own.map(([series, value]) => [series.slice(name.length), value]))
}

test('each business event is counted, once and under its own labels', async (t) => {
  const issuer = await startTestIssuer(t, withAdmin)
  const before = await scrape(issuer.adminUrl)
  await clientToken(issuer)
  const pair = await login(issuer)
  const second = await refresh(issuer, pair.refresh_token)
  await refresh(issuer, pair.refresh_token)
  const third = await refresh(issuer, String(second.body['refresh_token']))
  await ask(issuer, 'revoke', { token: String(third.body['access_token']) })
  await refresh(issuer, pair.refresh_token)
  const ended = await login(issuer)
  await ask(issuer, 'revoke', { token: ended.refresh_token })
  await ask(issuer, 'token', { grant_type: 'password', username: 'ada', password: 'wrong' })
  await ask(issuer, 'token', { grant_type: 'password', username: 'nobody', password: 'wrong' })
  await ask(issuer, 'token', { grant_type: 'client_credentials' }, basic({ id: 'service', secret: 'wrong' }))
  await ask(issuer, 'token', { grant_type: 'client_credentials' }, basic({ id: 'nobody', secret: 'wrong' }))
  const grown = growth(before, await scrape(issuer.adminUrl))

  t.deepEqual(seriesOf(grown, 'mintage_tokens_issued_total'), {
    '{grant="client_credentials"}': 1,
    '{grant="password"}': 2,
    '{grant="refresh_token"}': 3,
  })
  t.deepEqual(seriesOf(grown, 'mintage_refreshes_total'), {
    '{outcome="rotated"}': 2,
    '{outcome="retried"}': 1,
  })
  t.deepEqual(seriesOf(grown, 'mintage_refresh_reuses_total'), { '': 1 })
  t.deepEqual(seriesOf(grown, 'mintage_sessions_started_total'), { '': 2 })
  t.deepEqual(seriesOf(grown, 'mintage_sessions_ended_total'), {
    '{reason="reuse"}': 1,
    '{reason="revoked_by_client"}': 1,
  })
  t.deepEqual(seriesOf(grown, 'mintage_access_tokens_revoked_total'), { '': 1 })
  t.deepEqual(seriesOf(grown, 'mintage_logins_total'), {
    '{outcome="succeeded"}': 2,
    '{outcome="password"}': 1,
    '{outcome="unknown"}': 1,
  })
  t.deepEqual(seriesOf(grown, 'mintage_client_authentication_failures_total'), {
    '{reason="secret"}': 1,
    '{reason="unknown"}': 1,
  })
  t.deepEqual(seriesOf(grown, 'mintage_errors_total'), {
    '{code="invalid_grant",route="/oauth2/token"}': 3,
    '{code="invalid_client",route="/oauth2/token"}': 2,
  })
  t.is(grown['mintage_events_total{type="token.issued"}'], 6)
  t.is(grown['mintage_password_hash_duration_seconds_count'], 4)
  t.is(grown['mintage_signature_duration_seconds_count'], 6)
  t.is(grown['mintage_database_duration_seconds_count{kind="redemption"}'], 4)
})

test('requests are timed by the pattern of their route, never by what was asked for', async (t) => {
  const issuer = await startTestIssuer(t, withAdmin)
  const before = await scrape(issuer.adminUrl)
  await fetch(`${issuer.url}/.well-known/jwks.json?canary`)
  await fetch(`${issuer.url}/canary/${'x'.repeat(100)}`)
  await fetch(`${issuer.url}/livez`, { method: 'DELETE' })
  await exchange(issuer.url, 'PROPFIND /livez HTTP/1.1\r\nHost: issuer\r\nConnection: close\r\n\r\n')
  await exchange(issuer.url, 'canary\r\n\r\n')
  const after = await scrape(issuer.adminUrl)
  const grown = growth(before, after)
  t.deepEqual(seriesOf(grown, 'mintage_http_request_duration_seconds_count'), {
    '{method="GET",route="/.well-known/jwks.json",status="2xx"}': 1,
    '{method="GET",route="none",status="4xx"}': 1,
    '{method="DELETE",route="none",status="4xx"}': 1,
    '{method="_OTHER",route="none",status="5xx"}': 1,
  })
  t.deepEqual(seriesOf(grown, 'mintage_http_refusals_total'), { '{status="400"}': 1 })
  t.notRegex([...after.keys()].join('\n'), /canary|service|ada|usr_|cli_/)
})

test('what has a value at any time is read when it is asked for', async (t) => {
  const issuer = await startTestIssuer(t, withAdmin)
  const held = await openRaw(issuer.url)
  t.teardown(() => held.socket.destroy())
  held.send('GET /livez HTTP/1.1\r\nHost: issuer\r\n\r\n')
  await held.until(/alive/)
  // The delay of the event loop is known only after a while, and anew after each reading.
  const samples = await eventually(
    () => scrape(issuer.adminUrl),
    (read) => (read.get('nodejs_eventloop_lag_p50_seconds') ?? 0) > 0,
  )
  const { version } = process
  t.true([...samples.keys()].some((name) => name.startsWith('mintage_build_info{') && name.includes(version)))
  t.is(samples.get('mintage_signing_keys{state="current"}'), 1)
  t.is(samples.get('mintage_signing_keys{state="next"}'), 1)
  t.is(samples.get('mintage_signing_keys{state="retired"}'), 0)
  const age = samples.get('mintage_signing_key_age_seconds') ?? -1
  t.true(age >= 0 && age < 600)
  t.is(samples.get('mintage_http_requests_in_flight'), 0)
  t.true((samples.get('mintage_http_connections') ?? 0) >= 1)
  t.is(samples.get('mintage_password_hash_queue_length'), 0)
  for (const name of [
    'nodejs_eventloop_lag_p50_seconds',
    'nodejs_eventloop_lag_p99_seconds',
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
  ]) {
    t.true((samples.get(name) ?? 0) > 0, name)
  }
})

test('a metric whose labels are known is there before anything has happened', async (t) => {
  const issuer = await startTestIssuer(t, withAdmin)
  const samples = await scrape(issuer.adminUrl)
  for (const [name, { kind }] of Object.entries(metricDefinitions)) {
    if (kind !== 'counter' || ['mintage_errors_total', 'mintage_events_total'].includes(name)) continue
    t.true(
      [...samples.keys()].some((series) => series === name || series.startsWith(`${name}{`)),
      name,
    )
  }
})
