import { parseArgs } from 'node:util'
import { stampede } from './stampede-run.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    sockets: { type: 'string', default: '1000' },
    nodes: { type: 'string', default: '1' },
    // What is tried is that many come at once, not that this machine answers them all within half a minute.
    window: { type: 'string', default: '10m' },
  },
})
const result = await stampede({
  requests: Number(values.requests),
  sockets: Number(values.sockets),
  nodes: Number(values.nodes),
  retryWindow: values.window,
})
console.log(
  `${values.requests} concurrent refreshes of one token over ${values.sockets} connections, ${values.nodes} node(s), ` +
    `in ${result.seconds.toFixed(1)} s`,
)
for (const [status, count] of result.answers) console.log(`answers ${status}: ${count}`)
console.log(
  `distinct successors: ${result.successors.size}, generation in the database: ${result.generation}`,
)
process.exitCode = result.successors.size === 1 && result.generation === 1 && !result.ended ? 0 : 1
