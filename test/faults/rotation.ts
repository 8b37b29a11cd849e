import { runRotation } from './rotation-run.ts'

/** `npm run faults:rotation [-- SECONDS [LOOPS]]`: prints the figures, exit 1 when a token failed to verify. */
const [seconds = '60', loops = '4'] = process.argv.slice(2)
const figures = await runRotation(Number(seconds), Number(loops))
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
if (figures.tokensThatFailed + figures.requestsRefused + figures.orphanFiles > 0) process.exitCode = 1
