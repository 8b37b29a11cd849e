import type { Fault } from '../fault.ts'
import { runRotation } from '../rotation-run.ts'

export const rotation: Fault = {
  id: 'rotation',
  name: 'two nodes rotate keys together',
  holds: 'one winner each, no token that fails to verify',
  engines: ['SQLite', 'PostgreSQL'],
  async run({ quick, database }) {
    // Every three seconds, as the schedule of both nodes wants it at the same moment.
    const figures = await runRotation(quick ? 13 : 620, quick ? 3 : 2, await database())
    const { rotations, kidsThatSigned, tokensIssued, verifications, tokensThatFailed } = figures
    const { requestsRefused, orphanFiles, failuresOfTheControl, doubleRotations } = figures
    return {
      figure:
        `${rotations} rotations, ${doubleRotations} with two winners, ${orphanFiles} keys of losers left; ` +
        `${verifications} verifications of ${tokensIssued} tokens under ${kidsThatSigned} keys: ` +
        `${tokensThatFailed} tokens failed, ${requestsRefused} requests refused`,
      // Keys that did not rotate, or a verifier that could not fail, would show nothing.
      ok:
        rotations >= (quick ? 2 : 200) &&
        failuresOfTheControl > 0 &&
        doubleRotations + orphanFiles + tokensThatFailed + requestsRefused === 0,
    }
  },
}
