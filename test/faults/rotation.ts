import { parseArgs } from 'node:util'
import { runRotation } from './rotation-run.ts'

// `npm run faults:rotation [-- --seconds N --loops N]` prints the figures; exit 1 when something does not hold.
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, loops: { type: 'string', default: '4' } },
})
const figures = await runRotation(Number(values.seconds), Number(values.loops))
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)

/** Keys that did not rotate, or a verifier that could not fail, would show nothing. */
const isMeaningful = figures.kidsThatSigned >= 3 && figures.failuresOfTheControl > 0
const failures =
  figures.tokensThatFailed + figures.requestsRefused + figures.orphanFiles + figures.doubleRotations
if (failures > 0 || !isMeaningful) process.exitCode = 1
