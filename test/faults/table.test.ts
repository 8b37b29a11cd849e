import test from 'ava'
import { CannotRunError, type Fault, type FaultOptions, type FaultOutcome } from './fault.ts'
import { faults } from './rows.ts'
import { type Line, renderTable, runFaults } from './table-run.ts'

function row(id: string, run: (options: FaultOptions) => Promise<FaultOutcome>, both = false): Fault {
  return {
    id,
    name: `fault ${id}`,
    holds: 'a | b',
    engines: both ? ['SQLite', 'PostgreSQL'] : ['SQLite'],
    run,
  }
}

async function collect(rows: readonly Fault[]): Promise<readonly Line[]> {
  const lines: Line[] = []
  for await (const line of runFaults(rows, { quick: true, postgres: undefined, say: () => undefined })) {
    lines.push(line)
  }
  return lines
}

test('a row that holds is ok, one that does not or throws has failed, one that cannot be run is skipped', async (t) => {
  const lines = await collect([
    row('good', async () => ({ figure: '0 lost', ok: true })),
    row('bad', async () => ({ figure: '1 lost', ok: false })),
    row('broken', async () => {
      throw new TypeError('it broke\nhere')
    }),
    row('elsewhere', async () => {
      throw new CannotRunError('no disk can be mounted here')
    }),
  ])
  t.deepEqual(
    lines.map(({ id, verdict, figure }) => [id, verdict, figure]),
    [
      ['good', 'ok', '0 lost'],
      ['bad', 'FAILED', '1 lost'],
      ['broken', 'FAILED', 'TypeError: it broke'],
      ['elsewhere', 'skipped', 'no disk can be mounted here'],
    ],
  )
})

test('a row runs on each of its engines, and without a PostgreSQL says that it was skipped there', async (t) => {
  const onBoth = row(
    'both',
    async ({ database }) => ({ figure: JSON.stringify(await database()), ok: true }),
    true,
  )
  const lines = await collect([onBoth])
  t.deepEqual(
    lines.map(({ engine, verdict }) => [engine, verdict]),
    [
      ['SQLite', 'ok'],
      ['PostgreSQL', 'skipped'],
    ],
  )
  t.is(lines[0]?.figure, '{}')
})

test('a cell cannot break the table', async (t) => {
  const [header, rule, line] = renderTable(
    await collect([row('x', async () => ({ figure: 'one\ntwo', ok: true }))]),
  ).split('\n')
  t.is(header, '| fault | what must hold | figure | engine |  |')
  t.is(rule, '| --- | --- | --- | --- | --- |')
  t.is(line, '| fault x | a \\| b | one two | SQLite | ok |')
})

test('no two rows go by one name', (t) => {
  t.is(new Set(faults.map(({ id }) => id)).size, faults.length)
  t.true(faults.length > 10)
})
