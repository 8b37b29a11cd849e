import type { Explanation, Finding, Judgement } from './explanations.ts'

export interface StackReport extends Judgement {
  readonly title: string
  readonly versions: Readonly<Record<string, string>>
  /** Requests to each of the two. */
  readonly sent: number
  readonly compared: number
}

/** Differences that say the same, however many requests showed them. */
export interface Group {
  readonly fact: string
  readonly django: string
  readonly mintage: string
  readonly requests: readonly string[]
}

export function group(findings: readonly Finding[]): readonly Group[] {
  const groups = new Map<string, Group & { readonly requests: string[] }>()
  for (const { fact, django = '–', mintage = '–', request } of findings) {
    const key = JSON.stringify([fact, django, mintage])
    const known = groups.get(key)
    if (known) known.requests.push(request)
    else groups.set(key, { fact, django, mintage, requests: [request] })
  }
  return [...groups.values()]
}

const heading = `# Differences from the Django packages

<!-- Written by \`npm run django:differential -- --write\`. -->

The endpoints of the Django wire formats were asked the same as the packages that they speak for, request by request, and
the answers were compared: status, headers, and body with its messages; of a token, its header, claims and life. This is
every difference that was found. The packages ran with their defaults, SimpleJWT with \`ROTATE_REFRESH_TOKENS\` and
\`BLACKLIST_AFTER_ROTATION\`, djangorestframework-jwt and its fork with \`JWT_ALLOW_REFRESH\` and \`JWT_AUTH_COOKIE\`.

Answers count as alike that differ in the security headers alone, which every answer has.
`

/** The page `docs/django-differences.md`. */
export function renderPage(reports: readonly StackReport[]): string {
  const rows = reports.map(
    ({ title, versions, sent, compared, alike }) =>
      `| ${title} | ${describeVersions(versions)} | ${sent} | ${compared} | ${alike} | ${compared - alike} |`,
  )
  const table = [
    '| in the other corner | of these versions | requests to each | compared | alike | different |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]
  const sections = reports.map(({ title, explained }) => {
    const parts = [...explained].flatMap(([explanation, findings]) =>
      renderExplanation(explanation, findings),
    )
    return `## ${title}\n\n${parts.join('\n')}`
  })
  return `${heading}\n${table.join('\n')}\n\n${sections.join('\n')}`
}

export function describeVersions(versions: Readonly<Record<string, string>>): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}

/** Rows of a table show so many groups at most. */
const most = 8

function renderExplanation({ title, why }: Explanation, findings: readonly Finding[]): readonly string[] {
  const groups = group(findings)
  const requests = new Set(findings.map(({ request }) => request))
  const rows = groups
    .slice(0, most)
    .map(
      ({ fact, django, mintage, requests: [first = '', ...others] }) =>
        `| ${cell(fact)} | ${cell(django)} | ${cell(mintage)} | ${text(first)}${others.length > 0 ? ` and ${others.length} more` : ''} |`,
    )
  const rest = groups.length > most ? [`\n… and ${groups.length - most} more like these.`] : []
  return [
    `### ${title}\n\n${why} (${requests.size} ${requests.size === 1 ? 'request' : 'requests'})\n`,
    '| of the answer | Django | Mintage | request |',
    '| --- | --- | --- | --- |',
    ...rows,
    ...rest,
    '',
  ]
}

function cell(value: string): string {
  const short = value.length > 120 ? `${value.slice(0, 120)}…` : value
  return value === '–' ? value : `\`${text(short).replaceAll('`', "'")}\``
}

function text(value: string): string {
  return value.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')
}
