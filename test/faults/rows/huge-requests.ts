import type { Fault } from '../fault.ts'
import { hugeRequests } from '../huge-run.ts'

const megabyte = 1_000_000

export const huge: Fault = {
  id: 'huge-requests',
  name: 'huge bodies and headers',
  holds: '413, 431; memory +20 MB at most',
  engines: ['SQLite'],
  async run({ quick }) {
    const result = await hugeRequests({ atOnce: quick ? 5 : 20, rounds: quick ? 2 : 10 })
    const { answers, bytesBefore, bytesMost, isAlive } = result
    const totals = new Map<string, number>()
    for (const counts of Object.values(answers)) {
      for (const [status, count] of Object.entries(counts))
        totals.set(status, (totals.get(status) ?? 0) + count)
    }
    const growth = (bytesMost - bytesBefore) / megabyte
    return {
      figure:
        `${[...totals].map(([status, count]) => `${count} × ${status}`).join(', ')}; memory +${growth.toFixed(1)} MB at most` +
        `${isAlive ? '' : '; it serves no more'}`,
      // What a heap does in the first seconds is its own affair.
      ok: isAlive && totals.size > 0 && !totals.has('200') && (quick || growth <= 20),
    }
  },
}
