import { parseArgs } from 'node:util'
import { slowClients } from './slow-run.ts'

const { values } = parseArgs({
  options: { sockets: { type: 'string', default: '2000' }, seconds: { type: 'string', default: '15' } },
})
const { base, beside, longest, left } = await slowClients({
  sockets: Number(values.sockets),
  baseMilliseconds: Number(values.seconds) * 1_000,
})
console.table({ 'a refresh alone': base, [`beside ${values.sockets} slow clients`]: beside })
for (const [kind, time] of Object.entries(longest)) {
  console.log(`slow ${kind}: the last was cut after ${(time / 1_000).toFixed(1)} s`)
}
console.log(`p99 ${(beside.p99 / base.p99).toFixed(2)} × the base; still there: ${left}`)
process.exitCode = left === 0 && beside.failed === 0 ? 0 : 1
