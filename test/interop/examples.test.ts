import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { root } from '../../docs/generate/pages.ts'
import { findLinks } from '../markdown.ts'
import { checkNames, checks, type Outcome } from './checks.ts'
import { type Example, readExamples } from './manifest.ts'
import { comparePage } from './page.ts'
import { findRed, renderClients, renderVerifiers } from './table.ts'
import type { VerifierResult } from './verifiers.ts'

/** What `npm test` or another step of CI tries by itself. */
const withoutManifest = ['django-service', 'retrying-client', 'way-back-to-django']

const examples = readExamples()
const [verifier] = examples.filter(({ kind }) => kind === 'verifier')

test('every example says how it is run, and has a README', (t) => {
  const folders = readdirSync(new URL('examples/', root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(new URL(`examples/${entry.name}/README.md`, root)))
    .map(({ name }) => name)
  const named = [...withoutManifest, ...examples.map(({ name }) => name)]
  t.deepEqual(folders.toSorted(), named.toSorted())
  t.true(examples.length > 10)
})

test('every example is in the tables of the page, and nothing else', (t) => {
  const page = readFileSync(new URL('docs/interop.md', root), 'utf8')
  const tables = [...page.matchAll(/<!-- \w+: npm run interop -->(.*?)<!-- end of/gs)].map(([text]) => text)
  const linked = tables.flatMap(findLinks).map((link) => link.replace('../examples/', ''))
  t.deepEqual([...new Set(linked)].toSorted(), examples.map(({ name }) => name).toSorted())
})

/** What comes of a verifier that answers as it should, with some answers changed. */
function answer(example: Example, changed: Readonly<Record<string, number | string>> = {}): VerifierResult {
  const outcomes = checkNames.map((name): [string, Outcome] => {
    const { expected } = checks[name]
    return [name, { status: changed[name] ?? expected ?? 200, expected, seconds: 0 }]
  })
  return { example, outcomes: Object.fromEntries(outcomes), output: 'its last words' }
}

test('a verifier that answers as it should has no red cell', (t) => {
  if (!verifier) return t.fail()
  const results = [answer(verifier)]
  t.deepEqual(findRed(results, []), [])
  t.false(renderVerifiers(results, new Map()).includes('✗'))
})

test('each answer that is not the expected one is red, and is told with what came and what was said last', (t) => {
  if (!verifier) return t.fail()
  const required = checkNames.filter((name) => checks[name].expected !== undefined)
  t.true(required.length >= 12)
  for (const name of required) {
    for (const status of [checks[name].expected === 200 ? 401 : 200, 500, 'no answer']) {
      const results = [answer(verifier, { [name]: status })]
      const [line = '', ...others] = findRed(results, [])
      t.deepEqual(others, [])
      t.true(line.includes(`${checks[name].title}: ${status} instead of ${checks[name].expected}`), line)
      t.true(line.includes('its last words'))
      t.true(renderVerifiers(results, new Map()).includes(`✗ ${status}`))
    }
  }
})

test('an example that did not start, and a client that failed, are red', (t) => {
  if (!verifier) return t.fail()
  const silent = { example: verifier, outcomes: {}, problem: 'It did not start.', output: '' }
  const failed = { example: verifier, problem: 'It got no token at all.' }
  const name = verifier.name
  t.deepEqual(findRed([silent], [failed]), [`${name}: It did not start.`, `${name}: It got no token at all.`])
  t.true(renderVerifiers([silent], new Map()).includes('| ✗ |'))
  t.true(renderClients([failed], new Map()).includes('| ✗ |'))
})

test('a page that says what the run says is accepted, whatever the versions; any other difference is told', (t) => {
  const page = readFileSync(new URL('docs/interop.md', root), 'utf8')
  const tableOf = (name: string) =>
    new RegExp(`<!-- ${name}: npm run interop -->(.*?)<!-- end of`, 's').exec(page)?.[1]?.trim() ?? ''
  const written = {
    verifiers: tableOf('verifiers'),
    settings: tableOf('settings'),
    clients: tableOf('clients'),
  }
  t.deepEqual(comparePage(written), [])
  const newer = written.verifiers.replaceAll(/\bjose \d+\.\d+\.\d+/g, 'jose 99.0.0')
  t.not(newer, written.verifiers)
  t.deepEqual(comparePage({ ...written, verifiers: newer }), [])
  const other = written.verifiers.replace('| 403 |', '| 401 |')
  t.not(other, written.verifiers)
  const complaints = comparePage({ ...written, verifiers: other })
  t.deepEqual(
    complaints.map((line) => line.split(':')[0]),
    ['docs/interop.md lacks', 'docs/interop.md still says'],
  )
})
