import { parseArgs } from 'node:util'
import { killWhileSealing } from './mark-run.ts'

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, clients: { type: 'string', default: '4' } },
})
const result = await killWhileSealing({ kills: Number(values.kills), clients: Number(values.clients) })
console.log(JSON.stringify(result))
console.log(
  `kill -9 ${result.kills} times while the audit trail is sealed: false alarms ${result.falseAlarms}, findings ${result.findings}`,
)
process.exitCode = result.falseAlarms + result.findings === 0 ? 0 : 1
