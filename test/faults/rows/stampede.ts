import type { Fault } from '../fault.ts'
import { stampede } from '../stampede-run.ts'

export const oneToken: Fault = {
  id: 'stampede',
  name: 'concurrent refreshes of one token',
  holds: 'one successor string',
  engines: ['SQLite', 'PostgreSQL'],
  async run({ engine, quick, database }) {
    const result = await stampede({
      requests: quick ? 2_000 : 10_000,
      sockets: quick ? 200 : 1_000,
      nodes: engine === 'SQLite' ? 1 : 2,
      // What is tried is that many come at once, not that this machine answers them all within half a minute.
      retryWindow: '10m',
      environment: await database(),
    })
    const { answers, successors, generation, ended, seconds } = result
    const list = [...answers].map(([status, count]) => `${count} × ${status}`).join(', ')
    return {
      figure: `${list} in ${seconds.toFixed(1)} s: ${successors.size} successor, generation ${generation}`,
      ok: successors.size === 1 && generation === 1 && !ended,
    }
  },
}
