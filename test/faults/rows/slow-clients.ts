import { second } from '../../../src/lib/durations.ts'
import type { Fault } from '../fault.ts'
import { slowClients } from '../slow-run.ts'

export const slow: Fault = {
  id: 'slow-clients',
  name: 'slow clients',
  holds: 'p99 ≤ 2 × base, reaped ≤ 15 s',
  engines: ['SQLite'],
  isLong: true,
  async run({ quick }) {
    const sockets = quick ? 150 : 2_000
    const { base, beside, longest, left } = await slowClients({
      sockets,
      baseMilliseconds: (quick ? 2 : 15) * second,
    })
    const last = Math.max(...Object.values(longest))
    const ratio = beside.p99 / base.p99
    return {
      figure:
        `${sockets} sockets: refresh p99 ${base.p99.toFixed(1)} → ${beside.p99.toFixed(1)} ms (${ratio.toFixed(2)} ×), ` +
        `the last reaped after ${(last / second).toFixed(1)} s, ${left} left, ${beside.failed} honest requests failed`,
      // Of a few hundred requests a p99 says nothing.
      ok:
        left === 0 &&
        beside.failed === 0 &&
        beside.requests > 0 &&
        (quick || (ratio <= 2 && last <= 15 * second)),
    }
  },
}
