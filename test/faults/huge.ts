import { parseArgs } from 'node:util'
import { hugeRequests } from './huge-run.ts'

const { values } = parseArgs({
  options: { 'at-once': { type: 'string', default: '20' }, rounds: { type: 'string', default: '10' } },
})
const { answers, bytesBefore, bytesMost, isAlive } = await hugeRequests({
  atOnce: Number(values['at-once']),
  rounds: Number(values.rounds),
})
console.table(answers)
const growth = (bytesMost - bytesBefore) / 1_000_000
console.log(
  `resident ${(bytesBefore / 1_000_000).toFixed(1)} MB before, at most ${growth.toFixed(1)} MB more; ` +
    `serves afterwards: ${isAlive ? 'yes' : 'no'}`,
)
const isRefused = Object.values(answers).every((counts) =>
  Object.keys(counts).every((status) => status !== '200'),
)
process.exitCode = isAlive && isRefused && growth <= 20 ? 0 : 1
