import type { Fault } from '../fault.ts'
import { runRotation } from '../rotation-run.ts'
import { rotateTogether } from '../rotation-together.ts'

export const rotation: Fault = {
  id: 'rotation',
  name: 'two nodes rotate keys together',
  holds: 'one winner each, no token that fails to verify',
  engines: ['SQLite', 'PostgreSQL'],
  async run({ engine, quick, server }) {
    const place = { vault: engine === 'SQLite' ? 'directory' : 'sealed', server: server() } as const
    const together = await rotateTogether(quick ? 10 : 200, 2, place)
    // Every three seconds, as the schedule of both nodes wants it at the same moment.
    const figures = await runRotation(quick ? 13 : 620, quick ? 2 : 1, place)
    const { rotations, kidsThatSigned, tokensIssued, verifications, tokensThatFailed } = figures
    const { requestsRefused, failuresOfTheControl, doubleRotations } = figures
    const orphans = figures.orphans + together.orphans
    return {
      figure:
        `${together.rotations} rotations at one moment, ${together.disagreements} without one winner; ${rotations} by the ` +
        `schedule of two processes, ${doubleRotations} with two winners; ${orphans} keys of losers left; ` +
        `${verifications} verifications of ${tokensIssued} tokens under ${kidsThatSigned} keys: ` +
        `${tokensThatFailed} tokens failed, ${requestsRefused} requests refused`,
      // Keys that did not rotate, or a verifier that could not fail, would show nothing.
      ok:
        together.keysActivated === together.rotations &&
        together.disagreements + together.signaturesThatFailed + orphans === 0 &&
        rotations >= (quick ? 2 : 200) &&
        failuresOfTheControl > 0 &&
        doubleRotations + tokensThatFailed + requestsRefused === 0,
    }
  },
}
