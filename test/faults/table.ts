import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { describeMachine } from '../../bench/machine.ts'
import { faults } from './rows.ts'
import { type Line, renderTable, runFaults } from './table-run.ts'

// `npm run faults [-- --quick] [--only ID]… [--json FILE] [--engine E] [--postgres URL] [--strict]` runs the rows and prints the table;
// exit 1 when one fails, or with --strict when one could not be run.
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    postgres: { type: 'string' },
    engine: { type: 'string' },
    strict: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})

const unknown = values.only.filter((id) => !faults.some((fault) => fault.id === id))
if (values.list || unknown.length > 0) {
  for (const id of unknown) console.error(`There is no row ${id}.`)
  for (const { id, name, engines } of faults) console.log(`${id.padEnd(20)} ${name} (${engines.join(', ')})`)
  process.exit(unknown.length > 0 ? 2 : 0)
}

const chosen = faults
  .filter(({ id }) => values.only.length === 0 || values.only.includes(id))
  .map((fault) => ({ ...fault, engines: fault.engines.filter((e) => e === (values.engine ?? e)) }))
const lines: Line[] = []
const machine = describeMachine('/tmp')
for await (const line of runFaults(chosen, {
  quick: values.quick,
  postgres: values.postgres,
  say: (text) => console.error(text),
})) {
  lines.push(line)
  console.error(`${line.verdict.padEnd(8)} ${line.fault} (${line.engine}, ${line.seconds} s): ${line.figure}`)
}
console.log(renderTable(lines))
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ machine, quick: values.quick, lines }, null, 2)}\n`)
}
const counted = (verdict: Line['verdict']) => lines.filter((line) => line.verdict === verdict).length
const [failed, skipped] = [counted('FAILED'), counted('skipped')]
console.log(`${lines.length} rows: ${counted('ok')} hold, ${failed} failed, ${skipped} could not be run here`)
// What a row that was given up still holds open must not keep the table from its end.
process.exit(failed > 0 || (values.strict && skipped > 0) ? 1 : 0)
