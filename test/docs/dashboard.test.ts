import { readFileSync } from 'node:fs'
import test from 'ava'
import { root } from '../../docs/generate/pages.ts'
import { metricDefinitions } from '../../src/events/metric-definitions.ts'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { scrape } from '../support/metrics.ts'
import { clientToken, login } from '../support/requests.ts'

interface Dashboard {
  readonly panels: readonly { readonly id: number; readonly targets: readonly { readonly expr: string }[] }[]
}

const text = readFileSync(new URL('docs/grafana-dashboard.json', root), 'utf8')
const dashboard: Dashboard = JSON.parse(text)
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
const named = expressions.flatMap((expr) => expr.match(/\b(mintage|nodejs|process)_[a-z0-9_]+/g) ?? [])

test('every metric of the dashboard is one that the issuer tells, with the labels that are asked for', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_ADMIN_PORT: '0' } })
  await login(issuer)
  await clientToken(issuer)
  await fetch(`${issuer.url}/oauth2/token`, { method: 'POST' })
  const samples = [...(await scrape(issuer.adminUrl)).keys()]
  t.true(named.length > 25)
  // What another part of the issuer tells, once it is there, is defined already.
  const quiet = new Set<string>(['mintage_status_subscribers'])
  for (const name of named) {
    if (quiet.has(name)) continue
    t.true(
      samples.some((sample) => sample === name || sample.startsWith(`${name}{`)),
      name,
    )
  }
  for (const expression of expressions) {
    const [, labels] = /\bby \(([^)]*)\)/.exec(expression) ?? []
    const [metric = ''] = /\b(mintage|nodejs|process)_[a-z0-9_]+/.exec(expression) ?? []
    for (const label of labels?.split(', ') ?? []) {
      if (label === 'instance') continue
      const shown = samples.some((sample) => sample.startsWith(`${metric}{`) && sample.includes(`${label}="`))
      t.true(shown, `${label} of ${metric}`)
    }
  }
})

test('every metric of Mintage itself stands on the dashboard', (t) => {
  for (const name of Object.keys(metricDefinitions)) {
    t.true(
      named.some((each) => each === name || each.startsWith(`${name}_`)),
      name,
    )
  }
})

test('no two panels have one id', (t) => {
  t.is(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
})
