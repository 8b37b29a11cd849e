/**
 * `npm run django:differential [-- --write] [--only STACK]`: the same requests to the Django packages and to Mintage. What
 * differs is in `explanations.json` or fails the run, and so does an explanation of nothing. `--write` writes the page.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { users } from './corner.ts'
import { type Stack, startDjango } from './django-corner.ts'
import { judge } from './explanations.ts'
import { type DjangoSettings, startMintage } from './mintage-corner.ts'
import { type Environment, legacy, newest, prepare } from './python.ts'
import { describeVersions, group, renderPage, type StackReport } from './report.ts'
import { run } from './run.ts'
import type { Family, Scenario } from './scenario.ts'
import { bodyScenarios } from './scenarios/bodies.ts'
import { drfJwt, drfJwtLives } from './scenarios/drf-jwt.ts'
import { messageScenarios } from './scenarios/messages.ts'
import { simplejwt, simplejwtLives } from './scenarios/simplejwt.ts'
import { sliding, slidingLives } from './scenarios/sliding.ts'
import { closeConnections } from './wire.ts'

interface Match {
  readonly stack: Stack
  readonly title: string
  readonly environment: Environment
  readonly family: Family
  /** What becomes of tokens, besides what is asked of every endpoint. */
  readonly lives: readonly Scenario[]
  /** What Mintage's client says of itself. */
  readonly django?: DjangoSettings
}

const matches: readonly Match[] = [
  {
    stack: 'simplejwt',
    title: 'djangorestframework-simplejwt',
    environment: newest,
    family: simplejwt,
    lives: simplejwtLives,
  },
  {
    stack: 'sliding',
    title: 'djangorestframework-simplejwt, sliding tokens',
    environment: newest,
    family: sliding,
    lives: slidingLives,
    django: { slidingTokens: true },
  },
  {
    stack: 'drf-jwt',
    title: 'drf-jwt',
    environment: newest,
    family: drfJwt,
    lives: drfJwtLives,
    django: { drfJwtPackage: 'drf-jwt', authCookie: 'jwt' },
  },
  {
    stack: 'legacy',
    title: 'djangorestframework-jwt',
    environment: legacy,
    family: drfJwt,
    lives: drfJwtLives,
    django: { drfJwtPackage: 'djangorestframework-jwt', authCookie: 'jwt' },
  },
]

const page = new URL('../../../docs/django-differences.md', import.meta.url)
const { values: options } = parseArgs({
  options: { write: { type: 'boolean', default: false }, only: { type: 'string' } },
})
const print = (line: string) => process.stdout.write(`${line}\n`)

async function play({
  stack,
  title,
  environment,
  family,
  lives,
  django: settings,
}: Match): Promise<StackReport> {
  const python = prepare(environment)
  const mintage = await startMintage(users, settings)
  try {
    const django = await startDjango(python, stack, users)
    try {
      const wire = [family.login, ...family.others].flatMap((endpoint) => [
        ...bodyScenarios(family, endpoint),
        ...messageScenarios(family, endpoint),
      ])
      const { sent, compared } = await run(django, mintage, [...wire, ...lives])
      const { versions } = django
      return { title, versions, sent, compared: compared.length, ...judge(stack, compared) }
    } finally {
      await django.stop()
    }
  } finally {
    await mintage.stop()
  }
}

const reports: StackReport[] = []
for (const match of matches.filter(({ stack }) => (options.only ?? stack) === stack)) {
  const from = performance.now()
  const report = await play(match)
  reports.push(report)
  const { title, versions, sent, compared, alike, explained, unexplained } = report
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  const found = [...explained.values()].reduce((sum, { length }) => sum + length, unexplained.length)
  print(`${title}: ${describeVersions(versions)}`)
  print(
    `  ${sent} requests to each, ${compared} compared, ${alike} alike; ` +
      `${found} differences, ${found - unexplained.length} explained; ${seconds} s`,
  )
  for (const [{ title: reason, byVersion }, findings] of explained) {
    if (findings.length > 0) print(`  ${String(findings.length).padStart(5)}  ${reason}`)
    else if (!byVersion) fail(`${title}: nothing is explained by "${reason}"`)
  }
  for (const { fact, django, mintage, requests } of group(unexplained)) {
    fail(
      `${title}: ${fact}: Django ${django}, Mintage ${mintage}: ${requests.length} × ${requests.join('; ')}`,
    )
  }
}
closeConnections()

if (options.only === undefined) {
  const written = renderPage(reports)
  const kept = readFileSync(page, 'utf8')
  if (options.write) writeFileSync(page, written)
  else if (kept !== written) {
    // Another Python brings other versions, and what these say otherwise is judged above.
    const sameVersions = reports.every(({ versions }) => kept.includes(describeVersions(versions)))
    const advice = 'docs/django-differences.md tells of another run: npm run django:differential -- --write'
    if (sameVersions) fail(advice)
    else print(advice)
  }
}

function fail(complaint: string): void {
  process.stderr.write(`${complaint}\n`)
  process.exitCode = 1
}
