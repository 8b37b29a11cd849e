import { parseArgs } from 'node:util'
import { postgresFaults } from '../rows/postgres.ts'
import { type Line, renderTable, runFaults } from '../table-run.ts'

// `npm run faults:postgres [-- --quick] [--seconds N] [--only ID]…` runs those rows of the fault table that start a PostgreSQL of
// their own; `--seconds` is how long nodes are killed. Exit 1 when a row does not hold, or PostgreSQL is not here.
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '120' },
    only: { type: 'string', multiple: true, default: [] },
  },
})
// So that no server outlives a run that was broken off.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

const all = postgresFaults(Number(values.seconds))
const chosen = all.filter(({ id }) => values.only.length === 0 || values.only.includes(id))
const options = { quick: values.quick, postgres: undefined, say: (line: string) => console.error(line) }
const lines: Line[] = []
for await (const line of runFaults(chosen, options)) {
  lines.push(line)
  console.error(`${line.verdict.padEnd(8)} ${line.fault} (${line.seconds} s): ${line.figure}`)
}
console.log(renderTable(lines))
process.exit(lines.length > 0 && lines.every(({ verdict }) => verdict === 'ok') ? 0 : 1)
