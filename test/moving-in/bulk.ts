import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { cleanEnvironment, executable, runMintage } from '../support/child-issuer.ts'
import { DjangoProject, type ProjectDatabase, scriptPath } from './django-project.ts'

/**
 * Many users of a Django project in SQLite and in PostgreSQL move in: how long it takes and what memory; the same with
 * the process killed in the middle and begun again. Nobody may be lost or doubled, and every broken row is named.
 */

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '100000' },
    broken: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '3' },
  },
})
const [count, brokenCount, kills] = [Number(values.users), Number(values.broken), Number(values.kills)]
const Database = loadSqliteDriver()

interface Run {
  readonly seconds: number
  /** In MiB: the most that was resident, as the kernel kept it, asked for every 50 ms. */
  readonly peak: number
  readonly refused: readonly string[]
  readonly printed: Readonly<Record<string, unknown>>
}

const sources: ProjectDatabase[] = [{ sqlite: '' }]
const port = process.env['DJANGO_POSTGRES_PORT']
if (port !== undefined) sources.push({ postgres: 'bulk', port: Number(port) })

const rows: Record<string, unknown>[] = []
for (const database of sources) {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-bulk-'))
  try {
    await moveMany('sqlite' in database ? { sqlite: join(directory, 'django.sqlite3') } : database, directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
console.table(rows)

async function moveMany(database: ProjectDatabase, directory: string): Promise<void> {
  const project = new DjangoProject(database)
  await project.migrate()
  const printed = await project.run(readFileSync(scriptPath('make_many.py'), 'utf8'), {
    ...{ USERS: String(count), BROKEN: String(brokenCount) },
  })
  const broken: readonly number[] = JSON.parse(printed)
  assert.equal(broken.length, brokenCount)
  const expected = Array.from({ length: count }, (_, at) => at + 1).filter((n) => !broken.includes(n))
  const from = 'sqlite' in database ? 'SQLite' : 'PostgreSQL'

  const whole = environmentFor(directory, 'whole')
  const run = await importToEnd(project.source, whole)
  check(run, broken, directory, 'whole', expected)
  report(from, 'at once', run)
  const again = await importToEnd(project.source, whole)
  assert.deepEqual([again.printed['created'], again.printed['skipped']], [0, expected.length])
  check(again, broken, directory, 'whole', expected)
  report(from, 'once more', again)

  const killed = environmentFor(directory, 'killed')
  const left: number[] = []
  for (let kill = 1; kill <= kills; kill++) {
    left.push(await importAndKill(project.source, killed, directory, (expected.length * kill) / (kills + 1)))
  }
  assert.ok(
    left.every((taken, at) => taken < expected.length && taken > (left[at - 1] ?? 0)),
    left.join(),
  )
  const resumed = await importToEnd(project.source, killed)
  assert.equal(resumed.printed['skipped'], left.at(-1) ?? 0)
  check(resumed, broken, directory, 'killed', expected)
  report(from, `killed at ${left.join(', ')} and begun again`, resumed)
}

function report(from: string, how: string, { seconds, peak, refused, printed }: Run): void {
  const handled = Number(printed['created']) + Number(printed['skipped']) + refused.length
  const row = {
    ...{
      from,
      how,
      created: printed['created'],
      skipped: printed['skipped'],
      'named as broken': refused.length,
    },
    ...{
      seconds: seconds.toFixed(1),
      'a second': Math.round(handled / seconds),
      'peak MiB': Math.round(peak),
    },
  }
  rows.push(row)
  console.log(JSON.stringify(row))
}

/** Nobody lost, nobody doubled, everybody who cannot be taken named. */
function check(
  run: Run,
  broken: readonly number[],
  directory: string,
  name: string,
  expected: readonly number[],
): void {
  assert.deepEqual(
    run.refused,
    broken.map((n) => `id ${n}`),
  )
  const connection = new Database(join(directory, `${name}.db`), { readonly: true })
  try {
    const found = connection
      .prepare("SELECT json_extract(claims, '$.user_id') FROM users ORDER BY CAST(user_id_claim AS integer)")
      .pluck()
      .all()
    assert.deepEqual(found, expected.map(String))
    const names = connection.prepare('SELECT count(DISTINCT username) FROM users').pluck().get()
    assert.equal(names, expected.length)
    const audited = connection.prepare("SELECT count(*) FROM audit WHERE type = 'user.created'").pluck().get()
    assert.equal(audited, expected.length)
  } finally {
    connection.close()
  }
}

function environmentFor(directory: string, name: string): Readonly<Record<string, string>> {
  return {
    MINTAGE_DATABASE_URL: `sqlite:${join(directory, `${name}.db`)}`,
    MINTAGE_KEYS_DIR: join(directory, `${name}-keys`),
  }
}

async function importToEnd(source: string, environment: Readonly<Record<string, string>>): Promise<Run> {
  const began = performance.now()
  const child = spawn(process.execPath, [executable, 'user', 'import', source, '--json'], {
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const refused: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    const named = /^mintage: (id \d+): /.exec(line)?.[1]
    if (named !== undefined) refused.push(named)
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const closed = once(child, 'close')
  let peak = 0
  while (child.exitCode === null && child.signalCode === null) {
    peak = Math.max(peak, readPeak(child))
    await delay(50)
  }
  const [code] = await closed
  const seconds = (performance.now() - began) / 1_000
  assert.equal(code, brokenCount > 0 ? 1 : 0)
  return { seconds, peak, refused, printed: JSON.parse(stdout) }
}

/** Kills the import as soon as so many users are in. @returns how many were by then. */
async function importAndKill(
  source: string,
  environment: Readonly<Record<string, string>>,
  directory: string,
  at: number,
): Promise<number> {
  const log = createWriteStream('/dev/null')
  const child = spawn(process.execPath, [executable, 'user', 'import', source], {
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  child.stderr.pipe(log)
  const closed = once(child, 'close')
  while (child.exitCode === null && countUsers(join(directory, 'killed.db')) < at) await delay(5)
  child.kill('SIGKILL')
  await closed
  const { code, stderr } = await runMintage(['migrate'], environment)
  assert.equal(code, 0, stderr)
  return countUsers(join(directory, 'killed.db'))
}

function countUsers(path: string): number {
  if (!existsSync(path)) return 0
  const connection = new Database(path, { readonly: true })
  try {
    return Number(connection.prepare('SELECT count(*) FROM users').pluck().get())
  } catch {
    // Its tables are about to be made.
    return 0
  } finally {
    connection.close()
  }
}

/** In MiB. */
function readPeak({ pid }: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024
  } catch {
    return 0
  }
}
