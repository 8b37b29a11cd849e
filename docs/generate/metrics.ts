import { type MetricDefinition, metricDefinitions } from '../../src/events/metric-definitions.ts'
import { code, row } from './markdown.ts'

/** The page of metrics: `docs/metrics.md`. */
export function renderMetrics(): string {
  const definitions: readonly (readonly [string, MetricDefinition])[] = Object.entries(metricDefinitions)
  return `# Metrics

Made from the code by \`npm run docs\`.

\`GET /metrics\` on the admin listener (\`MINTAGE_ADMIN_HOST\`, \`MINTAGE_ADMIN_PORT\`; loopback and 8081 by default, \`off\` for
none; under \`mintage dev\` only when it is asked for) answers in Prometheus' text format. The listener has no
authentication: keep it on loopback or a network of your own. It answers \`/livez\` and \`/readyz\` too.

Counters of business events are counted after their commit, in the process where they happened: what a command does
beside a running server stands in its [audit rows](events.md), not here. No label holds a client, user, key or path.

[grafana-dashboard.json](grafana-dashboard.json) is a dashboard that uses them.

${row('metric', 'kind', 'labels', 'meaning')}
${row('---', '---', '---', '---')}
${definitions
  .map(([name, { kind, labels = {}, help }]) => row(code(name), kind, describe(labels), help))
  .join('\n')}

Those of the process are prom-client's: \`process_*\` (CPU, memory, descriptors, start) and \`nodejs_*\`. Of these,
\`nodejs_eventloop_lag_p50_seconds\` and \`nodejs_eventloop_lag_p99_seconds\` tell how late the event loop was since the
last reading, measured every 10 ms.

## What to be woken by

| condition | look at |
| --- | --- |
| \`increase(mintage_refresh_adoptions_total[5m]) > 0\` | an old database was brought back: \`mintage doctor\` |
| \`increase(mintage_refresh_reuses_total[15m])\` far above its usual | a thief, or a client that does not keep its newest token |
| \`increase(mintage_errors_total{code=~"server_error\\|temporarily_unavailable"}[5m]) > 0\` | the log's \`request.failed\` and \`request.unavailable\` |
| \`mintage_password_hash_queue_length\` near \`MINTAGE_HASH_QUEUE\` | a login herd, or somebody guessing: \`mintage_logins_total\` |
| \`mintage_signing_key_age_seconds\` beyond \`MINTAGE_KEY_ROTATION\` and a day | the log's \`background.failed\` |
| \`nodejs_eventloop_lag_p99_seconds > 0.1\` | the machine has too little CPU |
`
}

function describe(labels: NonNullable<MetricDefinition['labels']>): string {
  return Object.entries(labels)
    .map(([label, values]) => `${code(label)}: ${typeof values === 'string' ? values : values.join(', ')}`)
    .join('; ')
}
