import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { minute, second } from '../../src/lib/durations.ts'
import { CannotRunError, type Engine, type Fault, type FaultOutcome } from './fault.ts'

export interface TableOptions {
  readonly quick: boolean
  /** A PostgreSQL server on which databases may be made. */
  readonly postgres: string | undefined
  readonly say: (line: string) => void
}

/** One line of the printed table. */
export interface Line {
  readonly id: string
  readonly fault: string
  readonly holds: string
  readonly engine: Engine
  readonly figure: string
  readonly verdict: 'ok' | 'FAILED' | 'skipped'
  readonly seconds: number
}

/** Runs each row on each of its engines, one after the other. A row that throws has failed. */
export async function* runFaults(faults: readonly Fault[], options: TableOptions): AsyncGenerator<Line> {
  for (const fault of faults) {
    for (const engine of fault.engines) {
      const started = performance.now()
      const { figure, verdict } = await runOne(fault, engine, options)
      const seconds = Math.round((performance.now() - started) / second)
      yield { id: fault.id, fault: fault.name, holds: fault.holds, engine, figure, verdict, seconds }
    }
  }
}

type Verdict = Pick<Line, 'figure' | 'verdict'>

async function runOne(fault: Fault, engine: Engine, options: TableOptions): Promise<Verdict> {
  const { quick, postgres } = options
  const undo: (() => Promise<void>)[] = []
  const server = () => {
    if (engine === 'SQLite') return undefined
    if (postgres !== undefined) return postgres
    throw new CannotRunError('no PostgreSQL was named with --postgres URL')
  }
  const database = async () => {
    const url = server()
    if (url === undefined) return {}
    const made = await makePostgresDatabase(url)
    undo.push(made.drop)
    return made.settings
  }
  const say = (line: string) => options.say(`${fault.id} (${engine}): ${line}`)
  const limit = (quick ? 5 : 90) * minute
  try {
    const late = delay(limit, undefined, { ref: false }).then((): FaultOutcome => {
      return { figure: `came to no end within ${limit / minute} minutes`, ok: false }
    })
    const { figure, ok } = await Promise.race([fault.run({ engine, quick, database, server, say }), late])
    return { figure, verdict: ok ? 'ok' : 'FAILED' }
  } catch (error) {
    if (error instanceof CannotRunError) return { figure: error.message, verdict: 'skipped' }
    options.say(error instanceof Error ? `${error.stack}` : `${error}`)
    return { figure: String(error).split('\n', 1)[0] ?? '', verdict: 'FAILED' }
  } finally {
    for (const step of undo) await step()
  }
}

/** Nodes that share the directory of the mark are those of one machine. */
async function makePostgresDatabase(server: string) {
  const name = `mintage_faults_${randomUUID().replaceAll('-', '')}`
  const ask = async (statement: string) => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    try {
      await client.query(statement)
    } finally {
      await client.end()
    }
  }
  await ask(`CREATE DATABASE ${name}`)
  const directory = mkdtempSync(join(tmpdir(), 'mintage-faults-'))
  const url = new URL(server)
  url.pathname = name
  return {
    settings: { MINTAGE_DATABASE_URL: url.href, MINTAGE_STATE_DIR: directory },
    async drop() {
      await ask(`DROP DATABASE ${name} WITH (FORCE)`)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The table as Markdown; a cell that holds a bar or a line break would end it. */
export function renderTable(lines: readonly Line[]): string {
  const header = ['fault', 'what must hold', 'figure', 'engine', '']
  const rows = lines.map(({ fault, holds, figure, engine, verdict }) => [
    fault,
    holds,
    figure,
    engine,
    verdict,
  ])
  return [header, header.map(() => '---'), ...rows]
    .map(
      (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`,
    )
    .join('\n')
}
