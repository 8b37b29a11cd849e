/** `npm run bench:overload`: what becomes of a server that is asked for more than it can do. See docs/benchmarks.md. */
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { readCount } from '../counts.ts'
import { describeMachine, renderMachine } from '../machine.ts'
import type { OverloadGrant } from './phase.ts'
import { overload } from './run.ts'
import { renderFigures } from './table.ts'

const known: readonly OverloadGrant[] = ['password', 'refresh_token', 'client_credentials']

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    'capacity-seconds': { type: 'string', default: '15' },
    times: { type: 'string', default: '3' },
    cost: { type: 'string', default: '12' },
    grant: { type: 'string', multiple: true, default: [...known] },
  },
})
const grants = known.filter((grant) => options.grant.includes(grant))
if (grants.length !== options.grant.length) throw new RangeError(`--grant is one of ${known.join(', ')}.`)
const times = readCount('--times', options.times)
const machine = describeMachine(tmpdir())
const figures = await overload({
  grants,
  milliseconds: readCount('--seconds', options.seconds) * 1_000,
  capacityMilliseconds: readCount('--capacity-seconds', options['capacity-seconds']) * 1_000,
  times,
  cost: readCount('--cost', options.cost),
  say: (text) => process.stderr.write(`${text}\n`),
})
process.stdout.write(
  `${renderMachine(machine)}\n` +
    `${times} times what is possible, for ${options.seconds} s each; bcrypt cost ${options.cost}; milliseconds\n\n` +
    `${renderFigures(figures)}\n`,
)
