import { parseArgs } from 'node:util'
import { runRotation } from './rotation-run.ts'
import { rotateTogether } from './rotation-together.ts'

// `npm run faults:rotation [-- --seconds N --loops N]` prints the figures; exit 1 when something does not hold.
// `--together N [--nodes N]` rotates N times, all nodes at the same moment. Both take `--vault sealed` and
// `--database postgres://…`, a server where databases may be made.
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    loops: { type: 'string', default: '4' },
    together: { type: 'string' },
    nodes: { type: 'string', default: '2' },
    vault: { type: 'string', default: 'directory' },
    database: { type: 'string' },
  },
})
const place = { vault: values.vault === 'sealed' ? 'sealed' : 'directory', server: values.database } as const

if (values.together === undefined) {
  const figures = await runRotation(Number(values.seconds), Number(values.loops), place)
  print(figures)
  /** Keys that did not rotate, or a verifier that could not fail, would show nothing. */
  const isMeaningful = figures.kidsThatSigned >= 3 && figures.failuresOfTheControl > 0
  const failures =
    figures.tokensThatFailed + figures.requestsRefused + figures.orphans + figures.doubleRotations
  if (failures > 0 || !isMeaningful) process.exitCode = 1
} else {
  const figures = await rotateTogether(Number(values.together), Number(values.nodes), place)
  print(figures)
  const { rotations, keysActivated, disagreements, signaturesThatFailed, orphans } = figures
  if (keysActivated !== rotations || disagreements + signaturesThatFailed + orphans > 0) process.exitCode = 1
}

function print(figures: object): void {
  process.stdout.write(
    `${JSON.stringify({ ...place, server: place.server && 'postgres', ...figures }, null, 2)}\n`,
  )
}
