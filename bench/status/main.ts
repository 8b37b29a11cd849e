/** `npm run bench:status`: what status lists and their event stream cost. See docs/benchmarks.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine } from '../machine.ts'
import { simulateClientTokens } from './month.ts'
import { measureSizes } from './sizes.ts'
import { measureSubscribers } from './subscribers.ts'

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const plan = options.quick
  ? { totals: [1_000_000], listSizes: [1_048_576], subscribers: [0, 50], revocations: 5, days: 0.2 }
  : {
      totals: [1_000_000, 10_000_000],
      listSizes: [131_072, 1_048_576, 8_388_608],
      subscribers: [0, 100, 2_000],
      revocations: 100,
      days: 30,
    }

const say = (text: string) => process.stdout.write(`${text}\n\n`)
const directory = mkdtempSync(join(tmpdir(), 'mintage-status-'))
try {
  say(JSON.stringify(describeMachine(directory)))
  say(measureSizes(plan.totals, plan.listSizes))
  say(await measureSubscribers(plan.subscribers, plan.revocations))
  say(await simulateClientTokens(`sqlite:${join(directory, 'month.db')}`, plan.days))
} finally {
  rmSync(directory, { recursive: true, force: true })
}
