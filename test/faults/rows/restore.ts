import type { Fault } from '../fault.ts'
import { restoreOldDatabase } from '../restore-run.ts'

export const restore: Fault = {
  id: 'restore',
  name: 'an old database is restored',
  holds: '`serve` refuses until told how; after `recover --end-sessions` nothing revoked works',
  engines: ['SQLite'],
  async run({ quick }) {
    const result = await restoreOldDatabase(quick ? 200 : 10_000)
    const { refusal, revoked, refreshed, active, acceptedByOld, acceptedByNew, works } = result
    const isRefused = /ended with 1:.*taken back in time/s.test(refusal)
    return {
      figure:
        `serve ${isRefused ? 'refused' : 'did not refuse'}; of ${revoked} revoked since a backup under load (${result.meanwhile} ` +
        `refreshes meanwhile) ${refreshed} refresh, ${active} are active, ${acceptedByOld} and ${acceptedByNew} are accepted by ` +
        `verifiers of before and after; with --accept-resurrection ${result.resurrected} of ${Math.min(100, revoked)} refresh`,
      // Without the control the zeros might mean that nothing works at all.
      ok:
        isRefused &&
        works &&
        result.resurrected > 0 &&
        result.meanwhile > 0 &&
        refreshed + active + acceptedByOld + acceptedByNew === 0,
    }
  },
}
