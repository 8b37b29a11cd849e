import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { describeMachine } from '../../bench/machine.ts'
import { plot, summarise } from './endurance-report.ts'
import { runEndurance } from './endurance-run.ts'
import { judgeEndurance } from './rows/endurance.ts'

// `npm run faults:endurance -- [--minutes N] [--rate N] [--json FILE] [--svg FILE]`: exit 1 when it does not hold.
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '40' },
    json: { type: 'string' },
    svg: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
const result = await runEndurance({
  minutes,
  rate: Number(values.rate),
  onSample: ({ at, resident, descriptors, requests, p50, p99 }) => {
    const megabytes = (resident / 2 ** 20).toFixed(1)
    console.error(
      `${at} s: ${megabytes} MB, ${descriptors} descriptors, ${requests} requests, p50 ${p50}, p99 ${p99} ms`,
    )
  },
})
const summary = summarise(result.samples)
if (values.json !== undefined) {
  const written = { machine: describeMachine('/tmp'), minutes, rate: Number(values.rate), summary, ...result }
  writeFileSync(values.json, `${JSON.stringify(written)}\n`)
}
if (values.svg !== undefined) {
  writeFileSync(
    values.svg,
    plot(result.samples, `${minutes} minutes of mixed load, ${values.rate} requests a second`),
  )
}
console.log(
  JSON.stringify({ summary, requests: result.requests, wrong: result.wrong, kids: result.kids }, null, 2),
)
const { figure, ok } = judgeEndurance(result, minutes)
console.log(`${ok ? 'ok' : 'FAILED'}: ${figure}`)
process.exit(ok ? 0 : 1)
