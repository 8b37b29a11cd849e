import { second } from '../../../src/lib/durations.ts'
import type { Fault } from '../fault.ts'
import { exitLimit, stopUnderLoad } from '../stop-run.ts'

export const stop: Fault = {
  id: 'stop',
  name: 'stop signal under load',
  holds: 'nothing accepted is dropped, exit ≤ 10 s',
  engines: ['SQLite', 'PostgreSQL'],
  async run({ quick, database }) {
    const result = await stopUnderLoad({ stops: quick ? 3 : 30, environment: await database() })
    const { stops, answered, answeredAfter, dropped, committedUnanswered, lost, slowest, badExits } = result
    return {
      figure:
        `${stops} stops, ${answered} requests answered, ${answeredAfter} of them after the signal: ${dropped} dropped, ` +
        `${committedUnanswered} refreshes committed and unanswered, ${lost} sessions lost; ` +
        `slowest exit ${(slowest / second).toFixed(1)} s${badExits > 0 ? `, ${badExits} not with 0` : ''}`,
      ok: answeredAfter > 0 && dropped + committedUnanswered + lost + badExits === 0 && slowest <= exitLimit,
    }
  },
}
