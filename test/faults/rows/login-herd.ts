import { overload } from '../../../bench/overload/run.ts'
import { goodputRatio } from '../../../bench/overload/table.ts'
import { second } from '../../../src/lib/durations.ts'
import type { Fault } from '../fault.ts'

export const loginHerd: Fault = {
  id: 'login-herd',
  name: 'login herd at 3 × capacity',
  holds: 'JWKS p99 ≤ 50 ms, refresh goes on, the excess gets 503 or 429, goodput ≥ 80 %',
  engines: ['SQLite'],
  async run({ quick, say }) {
    const [figures] = await overload({
      grants: ['password'],
      milliseconds: (quick ? 4 : 60) * second,
      capacityMilliseconds: (quick ? 2 : 15) * second,
      times: 3,
      cost: quick ? 10 : 12,
      say,
    })
    if (!figures) throw new Error('The herd gave no figures.')
    const { offered, goodput, crowd, probe } = figures
    const ratio = goodputRatio(figures)
    const answers = Object.entries(crowd.answers)
    const refused = answers.filter(([answer]) => answer !== '200')
    const isTold = refused.every(([answer]) => answer === '503' || answer === '429')
    // In seconds the queue is hardly full, and how quick it all is says something on a machine that does nothing else.
    const isCalm = quick || (refused.length > 0 && probe.jwks.p99 <= 50 && ratio >= 0.8)
    return {
      figure:
        `${offered.toFixed(1)}/s offered, ${goodput.toFixed(1)}/s served (${(100 * ratio).toFixed(0)} % of what is possible); ` +
        `${answers.map(([answer, count]) => `${count} × ${answer}`).join(', ')}; JWKS p99 ${probe.jwks.p99.toFixed(1)} ms, ` +
        `${probe.refresh.count} refreshes meanwhile`,
      ok: isTold && crowd.served.count > 0 && probe.jwks.count > 0 && probe.refresh.count > 0 && isCalm,
    }
  },
}
