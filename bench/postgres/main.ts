/**
 * `npm run bench:postgres`: Mintage and a bare handler on one PostgreSQL of their own, and one signature, side by side
 * in one run. See docs/benchmarks.md.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { PostgresServer } from '../../test/faults/postgres/server.ts'
import { createBarePostgres } from '../bare/postgres-rotations.ts'
import { readCount } from '../counts.ts'
import { findExecutable, installMintage, ownExecutable } from '../installation.ts'
import { describeMachine } from '../machine.ts'
import { measureSignature, Target } from '../rounds.ts'
import { ServerProcess } from '../server-process.ts'
import { installBare } from '../subjects/bare.ts'
import { type Grant, grants, type Installed } from '../subjects/subject.ts'
import { Worker } from '../worker.ts'
import { type PostgresRound, type PostgresSample, render } from './results.ts'
import { readPostgresCpu, startPostgres } from './server.ts'

/** How much is measured. Times are milliseconds. */
const plans = {
  full: { sessions: 1_024, rounds: 7, phase: 3_000, signatures: 4_000, warmUp: 4_000 },
  quick: { sessions: 64, rounds: 2, phase: 500, signatures: 400, warmUp: 300 },
} as const

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    baseline: { type: 'string' },
    out: { type: 'string', default: 'bench/results/postgres.json' },
  },
})
const plan = plans[options.quick ? 'quick' : 'full']
const rounds = readCount('--rounds', options.rounds) ?? plan.rounds

const connections = 16
const say = (text: string) => process.stderr.write(`${text}\n`)

const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
// PostgreSQL runs as a user of its own.
chmodSync(directory, 0o755)

async function makeDatabase(server: PostgresServer, name: string): Promise<string> {
  await server.query(`CREATE DATABASE ${name}`)
  return server.url.replace(/postgres$/, name)
}

async function installBareOn(server: PostgresServer): Promise<Installed> {
  const url = await makeDatabase(server, 'bare')
  return installBare(url, join(directory, 'bare.pem'), await createBarePostgres(url, plan.sessions))
}

async function install(server: PostgresServer, name: string, executable: string): Promise<Installed> {
  const state = join(directory, `${name}-state`)
  mkdirSync(state)
  return installMintage(name, executable, directory, plan.sessions, {
    MINTAGE_DATABASE_URL: await makeDatabase(server, name),
    MINTAGE_STATE_DIR: state,
  })
}

async function installAll(server: PostgresServer): Promise<readonly Installed[]> {
  const subjects = [await installBareOn(server), await install(server, 'mintage', ownExecutable)]
  if (options.baseline !== undefined) {
    subjects.push(await install(server, 'baseline', findExecutable(options.baseline)))
  }
  return subjects
}

async function measure(
  server: PostgresServer,
  load: Worker,
  target: Target,
  grant: Grant,
): Promise<PostgresSample> {
  const before = readPostgresCpu(server)
  const sample = await target.measure(load, grant, connections, plan.phase)
  return { ...sample, postgres: (readPostgresCpu(server) - before) / sample.requests }
}

async function run(server: PostgresServer): Promise<readonly PostgresRound[]> {
  const subjects = await installAll(server)
  const load = Worker.start('./load/generator.js')
  const signer = Worker.start('./signature.js')
  const targets: Target[] = []
  try {
    for (const subject of subjects) {
      const server = await ServerProcess.start(subject.recipe)
      targets.push(new Target(server, subject, await subject.startSessions()))
    }
    say('warming up')
    await measureSignature(signer, plan.signatures)
    for (const grant of grants)
      for (const target of targets) await target.measure(load, grant, connections, plan.warmUp)
    const measured: PostgresRound[] = []
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`)
      const samples: PostgresSample[] = []
      const before = await measureSignature(signer, plan.signatures / 2)
      // Every second round goes the other way, so that nobody always follows the same neighbour.
      for (const grant of grants) {
        for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
          samples.push(await measure(server, load, target, grant))
        }
      }
      const after = await measureSignature(signer, plan.signatures / 2)
      measured.push({ signature: (before + after) / 2, samples })
    }
    return measured
  } finally {
    load.stop()
    signer.stop()
    for (const target of targets) await target.server.stop()
  }
}

const machine = describeMachine(directory)
try {
  say('starting PostgreSQL, and installing')
  const server = await startPostgres(directory)
  try {
    const [version] = await server.query('SHOW server_version')
    const results = { machine, version: version?.['server_version'], rounds: await run(server) }
    mkdirSync(dirname(options.out), { recursive: true })
    writeFileSync(options.out, `${JSON.stringify(results, null, 2)}\n`)
    process.stdout.write(`${render(results)}\n`)
    say(`\nEvery round stands in ${options.out}.`)
  } finally {
    await server.stop('fast')
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
