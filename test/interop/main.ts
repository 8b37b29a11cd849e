/**
 * `npm run interop [-- NAME…]`: real libraries of every ecosystem as verifiers and clients of a real `mintage serve`.
 * Writes the tables of `docs/interop.md` when every example ran; fails on a red cell.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type ClientResult, tryClients } from './clients.ts'
import { findMissing, installExamples, readVersion } from './installing.ts'
import { startIssuer } from './issuers.ts'
import { type Example, readExamples } from './manifest.ts'
import { comparePage, writePage } from './page.ts'
import { inParallel } from './running.ts'
import { findRed, renderClients, renderSettings, renderVerifiers, type Versions } from './table.ts'
import { startTlsProxy } from './tls-proxy.ts'
import { tryVerifiers, type VerifierResult } from './verifiers.ts'

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    'install-only': { type: 'boolean', default: false },
    'skip-missing': { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const start = performance.now()
const say = (line: string) =>
  process.stderr.write(`${((performance.now() - start) / 1_000).toFixed(0).padStart(4)} s  ${line}\n`)

const all = readExamples()
for (const name of names) {
  if (all.some((example) => example.name === name)) continue
  process.stderr.write(
    `No example is called ${name}; there are ${all.map((example) => example.name).join(', ')}.\n`,
  )
  process.exit(2)
}
const chosen = names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
const scratch = mkdtempSync(join(tmpdir(), 'mintage-interop-'))
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))

const failures = await installExamples(chosen, scratch, say)
const skipped = options['skip-missing']
  ? failures.map(({ example }) => example).filter((example) => findMissing(example).length > 0)
  : []
for (const example of skipped) say(`SKIPPED ${example.name}: not on PATH: ${findMissing(example).join(', ')}`)
const red = failures
  .filter(({ example }) => !skipped.includes(example))
  .map(({ example, reason }) => `${example.name}: not installed: ${reason}`)
const installed = chosen.filter((example) => failures.every((failure) => failure.example !== example))
say(`everything is installed, but for ${failures.length}`)
if (!options['install-only']) red.push(...(await run(installed)))

for (const line of red) process.stderr.write(`RED ${line}\n`)
say(red.length === 0 ? 'no red cell' : `${red.length} red`)
process.exitCode = red.length === 0 ? 0 : 1

/** Runs the examples and returns what is red. */
async function run(examples: readonly Example[]): Promise<readonly string[]> {
  const issuer = await startIssuer(examples)
  try {
    const foreign = await startIssuer(examples)
    const tls = await startTlsProxy(issuer.url, scratch)
    try {
      const clients = await tryClients(ofKind(examples, 'client'), issuer, say)
      const verifiers = await tryVerifiers(ofKind(examples, 'verifier'), issuer, foreign, tls, say)
      return await report(examples, verifiers, clients)
    } finally {
      await tls.close()
      await foreign.remove()
    }
  } finally {
    await issuer.remove()
  }
}

/** Prints the tables, and writes them or compares them with the page; returns what is red. */
async function report(
  examples: readonly Example[],
  verifiers: readonly VerifierResult[],
  clients: readonly ClientResult[],
): Promise<readonly string[]> {
  const versions: Versions = new Map(
    await inParallel(3, examples, async (example) => [example.name, await readVersion(example)] as const),
  )
  const tables = {
    verifiers: renderVerifiers(verifiers, versions),
    settings: renderSettings(verifiers, versions),
    clients: renderClients(clients, versions),
  }
  for (const table of Object.values(tables)) process.stdout.write(`${table}\n\n`)
  const problems = findRed(verifiers, clients)
  const isWhole = examples.length === all.length
  if (options.check) return [...problems, ...(isWhole ? comparePage(tables) : [])]
  if (isWhole && problems.length === 0) writePage(tables)
  else say('docs/interop.md stays as it is: not everything ran, or something is red')
  return problems
}

function ofKind(examples: readonly Example[], kind: Example['kind']): readonly Example[] {
  return examples.filter((example) => example.kind === kind)
}
