import { parseArgs } from 'node:util'
import { renderFigures } from '../../bench/overload/table.ts'
import { herdOfLogins } from './herd-run.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } })
const { figures, goodputOfCapacity, jwksP99, refreshesRefused } = await herdOfLogins({
  milliseconds: Number(values.seconds) * 1_000,
})
console.log(renderFigures([figures]))
console.log(
  `goodput ${(goodputOfCapacity * 100).toFixed(0)} % of what is possible, JWKS p99 ${jwksP99.toFixed(1)} ms, ` +
    `refreshes refused: ${refreshesRefused}`,
)
const known = new Set(['200', '503', '429'])
const isAsPromised = Object.keys(figures.crowd.answers).every((answer) => known.has(answer))
process.exitCode = isAsPromised && refreshesRefused === 0 ? 0 : 1
