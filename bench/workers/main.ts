/** `npm run bench:workers`: one process against two behind one port, on SQLite and PostgreSQL. See docs/benchmarks.md. */
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { account, findBinaries, type PostgresServer } from '../../test/faults/postgres/server.ts'
import { readCount } from '../counts.ts'
import type { Phase, PhaseResult } from '../load/phase.ts'
import { describeMachine } from '../machine.ts'
import { startPostgres } from '../postgres/server.ts'
import { renderSpread, spread } from '../statistics.ts'
import { type Grant, grants } from '../subjects/subject.ts'
import { Worker } from '../worker.ts'
import { MeasuredServer } from './server.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    workers: { type: 'string', default: '2' },
    connections: { type: 'string', default: '32' },
  },
})
const rounds = readCount('--rounds', options.rounds ?? (options.quick ? '1' : '5'))
const seconds = Number(options.seconds ?? (options.quick ? '0.5' : '4'))
if (!(seconds > 0)) throw new RangeError('--seconds is a number above 0.')
const workers = readCount('--workers', options.workers)
const connections = readCount('--connections', options.connections)
const say = (text: string) => process.stderr.write(`${text}\n`)

interface Sample {
  readonly database: string
  readonly grant: Grant
  readonly workers: number
  readonly perSecond: number
  /** CPU a request in milliseconds, of all processes, and of the first one. */
  readonly cpu: number
  readonly first: number
}

async function measure(load: Worker, server: MeasuredServer, grant: Grant): Promise<Sample> {
  const { port, pid, requests } = server
  const refreshTokens = grant === 'refresh_token' ? server.refreshTokens : []
  const request = requests[grant]
  const phase: Phase = {
    port,
    pid,
    request,
    connections,
    milliseconds: seconds * 1_000,
    leadIn: 0,
    refreshTokens,
  }
  const result = await load.ask<PhaseResult>(phase, `${server.name} with ${server.workers}`)
  if (grant === 'refresh_token') server.refreshTokens = result.refreshTokens
  const { before, after, requests: count, milliseconds } = result
  return {
    database: server.name,
    grant,
    workers: server.workers,
    perSecond: (count / milliseconds) * 1_000,
    cpu: (after.total - before.total) / count,
    first: (after.own - before.own) / count,
  }
}

function render(samples: readonly (readonly Sample[])[], databases: readonly string[]): string {
  const lines = [
    '| database | grant | workers | requests/s | CPU ms | of the first process | requests/s against 1 | CPU against 1 |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
  ]
  for (const database of databases) {
    for (const grant of grants) {
      for (const count of [1, workers]) {
        const of = (round: readonly Sample[], asked: number) => {
          const found = round.find(
            (each) => each.database === database && each.grant === grant && each.workers === asked,
          )
          if (!found) throw new TypeError('A round lacks a sample.')
          return found
        }
        const over = (value: (own: Sample, one: Sample) => number, digits = 2) => {
          const values = samples.map((round) => value(of(round, count), of(round, 1)))
          return renderSpread(spread(values), digits)
        }
        const cells = [
          database,
          grant,
          count,
          over((own) => own.perSecond, 0),
          over((own) => own.cpu),
          over((own) => own.first),
          over((own, one) => own.perSecond / one.perSecond),
          over((own, one) => own.cpu / one.cpu),
        ]
        lines.push(`| ${cells.join(' | ')} |`)
      }
    }
  }
  return lines.join('\n')
}

const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
const servers: MeasuredServer[] = []
let postgres: PostgresServer | undefined
const load = Worker.start('./load/generator.js')
try {
  const machine = describeMachine(directory)
  // Otherwise PostgreSQL's user could not pass.
  if (account.uid !== undefined) chownSync(directory, account.uid, account.gid ?? account.uid)
  if (findBinaries()) postgres = await startPostgres(directory)
  else say('PostgreSQL is not installed (Debian: apt-get install postgresql): SQLite alone.')
  const sessions = 8 * connections
  for (const count of [1, workers]) {
    const place = join(directory, `sqlite-${count}`)
    servers.push(await MeasuredServer.start('SQLite', count, place, `sqlite:${place}/mintage.db`, sessions))
    if (!postgres) continue
    await postgres.query(`CREATE DATABASE workers_${count}`)
    const url = postgres.url.replace(/\/postgres$/, `/workers_${count}`)
    servers.push(
      await MeasuredServer.start('PostgreSQL', count, join(directory, `pg-${count}`), url, sessions),
    )
  }
  say('idle memory, MiB, the first process first:')
  for (const server of servers) {
    const memory = server.resident().map((bytes) => (bytes / 2 ** 20).toFixed(0))
    say(`  ${server.name}, ${server.workers}: ${memory.join(' + ')}`)
  }
  const measured: Sample[][] = []
  // What a process has run a few times only is many times as dear.
  for (let round = -2; round < rounds; round++) {
    say(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`)
    const samples: Sample[] = []
    for (const grant of grants) {
      // Every second round goes the other way, so that nobody always follows the same neighbour.
      for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
        samples.push(await measure(load, server, grant))
      }
    }
    if (round >= 0) measured.push(samples)
  }
  const { processor, cores, node } = machine
  process.stdout.write(`${processor}, ${cores} cores, Node ${node}, ${connections} connections\n\n`)
  process.stdout.write(`${render(measured, postgres ? ['SQLite', 'PostgreSQL'] : ['SQLite'])}\n`)
  for (const server of servers.splice(0)) await server.stop()
} finally {
  load.stop()
  for (const server of servers) server.kill()
  await postgres?.stop('fast')
  rmSync(directory, { recursive: true, force: true })
}
