import { parseArgs } from 'node:util'
import { refreshOverAndOver } from './storage-run.ts'

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '100' }, rounds: { type: 'string', default: '1000' } },
})
const { before, after, refreshes, seconds } = await refreshOverAndOver({
  sessions: Number(values.sessions),
  rounds: Number(values.rounds),
})
console.log(
  `${refreshes} refreshes over ${values.sessions} sessions in ${seconds.toFixed(0)} s (${Math.round(refreshes / seconds)}/s)`,
)
console.table(
  Object.fromEntries([
    ...Object.keys(after.rows).map((table) => [
      `rows of ${table}`,
      { before: before.rows[table], after: after.rows[table] },
    ]),
    ['bytes', { before: before.bytes, after: after.bytes }],
  ]),
)
const isConstant = JSON.stringify(before.rows) === JSON.stringify(after.rows)
process.exitCode = isConstant && after.bytes === before.bytes ? 0 : 1
