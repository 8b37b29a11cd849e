import type { Fault } from '../fault.ts'
import { killWhileRefreshing } from '../kill-run.ts'

export const kill: Fault = {
  id: 'kill',
  name: 'kill −9 during refresh',
  holds: '0 lost, 0 forked',
  engines: ['SQLite', 'PostgreSQL'],
  async run({ quick, database, say }) {
    const result = await killWhileRefreshing({
      kills: quick ? 12 : 1_000,
      clients: 8,
      environment: await database(),
      onKill: ({ kills, refreshed }) => {
        if (kills % 100 === 0) say(`${kills} kills, ${refreshed} refreshes`)
      },
    })
    const { kills, refreshed, unanswered, committedUnanswered, lost, forked } = result
    return {
      figure:
        `${kills} kills, ${refreshed} refreshes, ${unanswered} unanswered ` +
        `(${committedUnanswered} of them committed): ${lost} lost, ${forked} forked`,
      ok: lost + forked === 0 && kills > 0 && refreshed > 0 && unanswered > 0,
    }
  },
}
