import { parseArgs } from 'node:util'
import { renderTable } from '../../bench/results.ts'
import { runRevocation } from './revocation-run.ts'

// `npm run faults:revocation [-- --seconds N --seed N]` prints what happened; exit 1 when a verifier was wrong once.
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const figures = await runRevocation({ seconds: Number(values.seconds), seed })
const { operations, verdicts, told, violations } = figures

function table(head: string, counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].sort().map(([name, count]) => [name, String(count)])
  return `${renderTable([head, 'times'], rows)}\n`
}

console.log(table('done', operations))
console.log(table('told by the verifiers', told))
console.log(
  table('verdict', new Map([...verdicts].map(([kind, count]) => [kind.replace(' | ', ': '), count]))),
)
for (const violation of violations.slice(0, 20)) console.log(`WRONG: ${violation}`)
const { seconds, tokens, revocations, unknown, latestFresh } = figures
const all = [...verdicts.values()].reduce((sum, count) => sum + count, 0)
console.log(
  `seed ${seed}, ${seconds} s: ${tokens} tokens, ${revocations} revocations answered, ${unknown} tokens of unknown fate, ` +
    `${all} verdicts; a fresh verifier accepted at most ${latestFresh} ms after a revocation; ${violations.length} violations`,
)
/** Without revocations that were heard of, nothing was tried. */
const isMeaningful = revocations > 10 && (verdicts.get('fresh | 401 revoked') ?? 0) > 100
if (violations.length > 0 || !isMeaningful) process.exitCode = 1
