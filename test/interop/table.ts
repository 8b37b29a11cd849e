import { checkNames, checks, isRed, type Outcome } from './checks.ts'
import type { ClientReport, ClientResult } from './clients.ts'
import type { Example } from './manifest.ts'
import type { VerifierResult } from './verifiers.ts'

const red = '✗'
const introduction = ['ecosystem', 'library', 'version']

/** The versions that the examples told, by the name of the example. */
export type Versions = ReadonlyMap<string, string>

/** The table of the verifiers, in Markdown. */
export function renderVerifiers(results: readonly VerifierResult[], versions: Versions): string {
  const rows = inOrder(results).map(({ example, outcomes, problem }) => [
    ...introduce(example, versions),
    ...checkNames.map((name) => (problem === undefined ? renderOutcome(outcomes[name]) : red)),
  ])
  return renderTable([...introduction, ...checkNames.map((name) => checks[name].title)], rows)
}

/** What each verifier needed, in Markdown. */
export function renderSettings(results: readonly VerifierResult[], versions: Versions): string {
  const rows = inOrder(results).map(({ example }) => [
    ...introduce(example, versions),
    describeApi(example),
    clean(example.settings),
    clean(example.rotation),
  ])
  const titles = ['API registered with', 'needed beyond issuer and audience', 'learns a new key']
  return renderTable([...introduction, ...titles], rows)
}

const clientColumns = {
  client_credentials: 'client credentials',
  password: 'password',
  refresh: 'refresh',
  api: 'calls the API',
  revoked: 'revocation',
  introspected: 'introspection',
  bad_secret: 'wrong secret',
  dead_refresh: 'refresh after revocation',
} as const satisfies Record<keyof ClientReport, string>

/** The table of the clients, in Markdown. */
export function renderClients(results: readonly ClientResult[], versions: Versions): string {
  const columns = Object.keys(clientColumns) as (keyof ClientReport)[]
  const rows = inOrder(results).map(({ example, report }) => [
    ...introduce(example, versions),
    ...columns.map((name) => (report === undefined ? red : renderReported(report[name]))),
    clean(example.settings),
  ])
  return renderTable([...introduction, ...Object.values(clientColumns), 'needed beyond the endpoint'], rows)
}

/** A line for each red cell: what was expected, what came, and the example's last output. */
export function findRed(
  verifiers: readonly VerifierResult[],
  clients: readonly ClientResult[],
): readonly string[] {
  const cells = inOrder(verifiers).flatMap(({ example, outcomes, problem, output }) => {
    if (problem !== undefined) return [`${example.name}: ${problem}`]
    return checkNames.flatMap((name) => {
      const outcome = outcomes[name]
      if (outcome && !isRed(outcome)) return []
      const came = outcome ? `${outcome.status} instead of ${outcome.expected}` : 'nothing'
      const patience = outcome && outcome.seconds > 2 ? `, still after ${outcome.seconds.toFixed(0)} s` : ''
      return [`${example.name}: ${checks[name].title}: ${came}${patience}\n${indent(output)}`]
    })
  })
  const runs = inOrder(clients).flatMap(({ example, problem }) =>
    problem === undefined ? [] : [`${example.name}: ${problem}`],
  )
  return [...cells, ...runs]
}

function introduce({ ecosystem, library, name }: Example, versions: Versions): readonly string[] {
  return [ecosystem, `[${library}](../examples/${name})`, clean(versions.get(name) ?? '')]
}

/** The status, or ✗ and why where it is red. */
function renderOutcome(outcome: Outcome | undefined): string {
  if (!outcome) return red
  const status = clean(String(outcome.status))
  return isRed(outcome) ? `${red} ${status}` : status
}

function describeApi({ api }: Example): string {
  const options = [
    ...(api.typ === 'at+jwt' ? [] : [`\`--typ ${api.typ}\``]),
    ...(api.claimsPreset === 'rfc9068' ? [] : [`\`--claims-preset ${api.claimsPreset}\``]),
  ]
  return options.join(' ') || 'defaults'
}

function renderReported(value: ClientReport[keyof ClientReport]): string {
  if (value === null) return '–'
  return value === 'invalid_client' || value === 'invalid_grant' ? `\`${value}\`` : '✓'
}

function inOrder<Result extends { readonly example: Example }>(
  results: readonly Result[],
): readonly Result[] {
  const order = ['Node', 'Python', 'Go', 'Java', 'Rust', 'HAProxy', 'nginx', 'Apache', 'Envoy', 'shell']
  return results.toSorted(
    (a, b) =>
      order.indexOf(a.example.ecosystem) - order.indexOf(b.example.ecosystem) ||
      a.example.name.localeCompare(b.example.name),
  )
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function clean(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}
