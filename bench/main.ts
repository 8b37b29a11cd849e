/**
 * `npm run bench`: Mintage, a bare handler, one signature and other issuers side by side in one run. See
 * docs/comparison.md and docs/benchmarks.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Contest } from './contest.ts'
import { readOptions } from './options.ts'
import { writePlots } from './plots.ts'
import { render } from './report.ts'
import type { Results } from './results.ts'

const { plan, subjects, essential, command, out, plots, from, isStrict } = readOptions(process.argv.slice(2))
const say = (text: string) => process.stderr.write(`${text}\n`)

async function measure(): Promise<Results> {
  const results = await new Contest(plan, essential, say).run(subjects, command)
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`)
  say(`Every round stands in ${out}.\n`)
  return results
}

const results: Results = from === undefined ? await measure() : JSON.parse(readFileSync(from, 'utf8'))
process.stdout.write(`${render(results)}\n`)
if (plots !== undefined) writePlots(results, plots)
if (isStrict && results.failures.length > 0) process.exitCode = 1
