/** `.ci/prometheus`: the real Prometheus scrapes an issuer under load and answers what the dashboard asks. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../docs/generate/pages.ts'
import { findFreePort } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { createInstallation, type SharedInstallation } from '../support/shared-installation.ts'
import { refreshTokenOf, TokenClient } from '../support/token-client.ts'

/** What must have been counted for the load to have been real. */
const expected = {
  'sum(mintage_tokens_issued_total)': 100,
  'mintage_tokens_issued_total{grant="refresh_token"}': 50,
  'mintage_refreshes_total{outcome="retried"}': 1,
  mintage_refresh_reuses_total: 1,
  'mintage_logins_total{outcome="password"}': 1,
  'mintage_errors_total{code="invalid_grant"}': 1,
  mintage_signature_duration_seconds_count: 100,
  mintage_password_hash_duration_seconds_count: 2,
  'mintage_http_request_duration_seconds_count{route="/oauth2/token",status="2xx"}': 100,
  mintage_signing_key_age_seconds: 0,
  nodejs_eventloop_lag_p99_seconds: 0,
} as const

interface QueryAnswer {
  readonly status: string
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] }
}

/** Logs in, refreshes, retries, reuses and fails until every counter of interest has moved. */
async function putLoad(url: string, { service, username }: SharedInstallation): Promise<void> {
  const client = new TokenClient(service, 4)
  const first = refreshTokenOf(await client.login(url, username))
  let token = refreshTokenOf(await client.refresh(url, first))
  await client.refresh(url, first)
  for (let count = 0; count < 60; count++) token = refreshTokenOf(await client.refresh(url, token))
  await client.refresh(url, first)
  const endpoint = `${url}/oauth2/token`
  await client.post(endpoint, { grant_type: 'password', username, password: 'wrong' })
  await Promise.all(
    Array.from({ length: 60 }, () => client.post(endpoint, { grant_type: 'client_credentials' })),
  )
  client.close()
}

async function query(prometheus: string, expression: string): Promise<QueryAnswer> {
  const asked = new URLSearchParams({ query: expression })
  const response = await fetch(`${prometheus}/api/v1/query?${asked}`).catch(() => undefined)
  return response ? ((await response.json()) as QueryAnswer) : { status: 'away' }
}

function firstValue({ data }: QueryAnswer): number | undefined {
  const [series] = data?.result ?? []
  return series && Number(series.value[1])
}

/** Everything that the dashboard asks, at an interval that a short run can fill. */
function dashboardExpressions(): readonly string[] {
  const dashboard = JSON.parse(readFileSync(new URL('docs/grafana-dashboard.json', root), 'utf8'))
  const panels = dashboard.panels as readonly { readonly targets: readonly { readonly expr: string }[] }[]
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')))
}

const failures: string[] = []
const installation = await createInstallation({
  environment: { MINTAGE_ADMIN_PORT: '0', MINTAGE_LOG_LEVEL: 'info' },
})
const issuer = await installation.startChild()
const lines = issuer.stdout().trimEnd().split('\n')
const adminUrl = String(
  lines.map((line) => JSON.parse(line)).find(({ event }) => event === 'admin.listening')?.url,
)
const port = await findFreePort()
const configuration = join(installation.directory, 'prometheus.json')
// JSON is YAML.
const scrapes = [{ job_name: 'mintage', static_configs: [{ targets: [new URL(adminUrl).host] }] }]
writeFileSync(configuration, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: scrapes }))
const prometheus = spawn(
  'prometheus',
  [
    `--config.file=${configuration}`,
    `--storage.tsdb.path=${join(installation.directory, 'prometheus')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ],
  { stdio: 'ignore' },
)
try {
  await putLoad(issuer.url, installation)
  const api = `http://127.0.0.1:${port}`
  for (const [expression, least] of Object.entries(expected)) {
    const value = await eventually(
      async () => firstValue(await query(api, expression)),
      (found) => found !== undefined && found >= least,
      60_000,
    )
    process.stdout.write(`${expression}  ${value}\n`)
    if (value === undefined || value < least) failures.push(`${expression} is ${value}, not ${least} or more`)
  }
  for (const expression of dashboardExpressions()) {
    const { status } = await query(api, expression)
    if (status !== 'success') failures.push(`the dashboard asks what Prometheus cannot read: ${expression}`)
  }
  const up = firstValue(await query(api, 'min_over_time(up{job="mintage"}[1m])'))
  const samples = firstValue(await query(api, 'scrape_samples_scraped{job="mintage"}'))
  process.stdout.write(`every scrape good: ${up === 1}; samples of a scrape: ${samples}\n`)
  if (up !== 1) failures.push('a scrape failed')

  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  })
  process.stdout.write(`promtool check metrics: ${status === 0 ? 'clean' : `${stdout}${stderr}`}\n`)
  if (status !== 0 || stdout + stderr !== '') failures.push('promtool complains')
} finally {
  prometheus.kill('SIGKILL')
  await issuer.end()
  await installation.close()
}
for (const failure of failures) process.stderr.write(`${failure}\n`)
process.exitCode = failures.length > 0 ? 1 : 0
