/**
 * `npm run bench`: Mintage, a bare handler, one signature and other issuers side by side in one run. See
 * docs/comparison.md and docs/benchmarks.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Contest } from './contest.ts'
import { readOptions } from './options.ts'
import { render } from './report.ts'

const { plan, subjects, essential, command, out, isStrict } = readOptions(process.argv.slice(2))
const say = (text: string) => process.stderr.write(`${text}\n`)

const results = await new Contest(plan, essential, say).run(subjects, command)
mkdirSync(dirname(out), { recursive: true })
writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`)
process.stdout.write(`${render(results)}\n`)
say(`\nEvery round stands in ${out}.`)
if (isStrict && results.failures.length > 0) process.exitCode = 1
