import { parseArgs } from 'node:util'
import { logHostileEvents, sendHostileRequests } from './log-run.ts'

// `npm run faults:log [-- --lines N --rounds N]` prints the figures; exit 1 when a line is not exactly one event.
const { values } = parseArgs({
  options: { lines: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '2000' } },
})
const lines = Number(values.lines)
const began = performance.now()
const written = await logHostileEvents(lines)
const seconds = (performance.now() - began) / 1_000
const sent = await sendHostileRequests(Number(values.rounds))
process.stdout.write(`${JSON.stringify({ written, seconds: Math.round(seconds), sent }, null, 2)}\n`)

const isWhole =
  written.lines === lines &&
  sent.events['login.failed'] === sent.failedLogins &&
  sent.events['client.authentication_failed'] === sent.failedClients &&
  sent.failedLogins + sent.failedClients > 0
const isForged = 'forged' in written.events || 'forged' in sent.events
const failures = written.broken + written.harmful + sent.broken + sent.harmful
if (failures > 0 || isForged || !isWhole) process.exitCode = 1
