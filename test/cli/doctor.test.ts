import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { findFreePort, runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'

const Database = loadSqliteDriver()

interface Finding {
  readonly check: string
  readonly status: string
  readonly message: string
}

/** What `mintage doctor --json` says, and that its exit code agrees. */
async function examine(t: ExecutionContext, environment: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await runMintage(['doctor', '--json'], environment)
  const { healthy, findings }: { readonly healthy: boolean; readonly findings: readonly Finding[] } =
    JSON.parse(stdout)
  const failures = findings.filter((finding) => finding.status === 'failure')
  t.is(healthy, failures.length === 0)
  t.is(code, healthy ? 0 : 1)
  t.regex(
    stderr,
    healthy ? /^$/ : /^mintage: \d+ of \d+ findings (is a failure|are failures); each says what to do\.\n$/,
  )
  for (const { message } of findings) {
    t.regex(message, /^[^\n]+[.?]$/)
    t.notRegex(message, /undefined|\[object/)
  }
  /** The messages of one check, those that are well left out. */
  const complaints = (check: string) =>
    findings
      .filter((finding) => finding.check === check && finding.status !== 'ok')
      .map(({ status, message }) => `${status}: ${message}`)
  return { healthy, findings, failures: failures.map((finding) => finding.check), complaints }
}

/** Every file below, with its mode and content. */
function snapshot(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(directory, name)
      const stats = statSync(path)
      // A reader of a database in use leaves its mark there, and nowhere else.
      const content = stats.isFile() && !name.endsWith('-shm') ? readFileSync(path) : ''
      return `${name} ${stats.mode.toString(8)} ${createHash('sha256').update(content).digest('hex')}`
    })
}

/** An installation that was started once; the issuer is known by the address where it listens. */
async function makeInstallation(t: ExecutionContext) {
  const directory = makeDirectory(t)
  const port = String(await findFreePort())
  const environment = {
    ...serveEnvironment(directory),
    MINTAGE_ISSUER: `http://127.0.0.1:${port}`,
    MINTAGE_PORT: port,
    MINTAGE_ADMIN_PORT: 'off',
  }
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  return {
    directory,
    environment,
    issuer,
    database: join(directory, 'mintage.db'),
    keys: join(directory, 'keys'),
  }
}

/** The snapshot once the server has nothing left to do by itself, such as sealing the rows of its start. */
async function settledSnapshot(directory: string) {
  let last = snapshot(directory)
  return eventually(
    async () => {
      await delay(2_000)
      const before = last
      last = snapshot(directory)
      return isDeepStrictEqual(last, before) ? last : []
    },
    (files) => files.length > 0,
  )
}

test('beside a running server everything is well, and nothing is changed', async (t) => {
  const { directory, environment, issuer } = await makeInstallation(t)
  const before = await settledSnapshot(directory)
  const { failures, findings } = await examine(t, environment)
  t.deepEqual(failures, [])
  const well = findings.filter((finding) => finding.status === 'ok').map((finding) => finding.check)
  for (const check of ['database', 'schema', 'clock', 'keys', 'port', 'issuer'])
    t.true(well.includes(check), check)
  t.deepEqual(snapshot(directory), before)
  t.is((await fetch(`${issuer.url}/readyz`)).status, 200)

  const table = await runMintage(['doctor'], environment)
  t.is(table.code, 0)
  t.regex(table.stdout, /^STATUS +CHECK +FINDING\n/)
})

test('when the server is gone that is said, and nothing is changed, however it ended', async (t) => {
  const { directory, environment, issuer } = await makeInstallation(t)
  await issuer.end('SIGKILL')
  const killed = snapshot(directory)
  t.true(existsSync(join(directory, 'mintage.db-wal')))
  const { failures, complaints } = await examine(t, environment)
  t.deepEqual(failures, ['issuer'])
  t.regex(complaints('issuer').join(), /nothing listens there; start mintage serve/)
  t.regex(
    complaints('port').join(),
    /^warning: Nothing listens on 127\.0\.0\.1:\d+: mintage serve does not run/,
  )
  t.deepEqual(snapshot(directory), killed)

  const again = await startChildIssuer(['serve'], environment)
  await again.end()
  const stopped = snapshot(directory)
  t.false(existsSync(join(directory, 'mintage.db-wal')))
  t.deepEqual((await examine(t, environment)).failures, ['issuer'])
  t.deepEqual(snapshot(directory), stopped)
})

test('where there is nothing yet, nothing is made, and what to do is said', async (t) => {
  const directory = makeDirectory(t)
  const port = String(await findFreePort())
  const environment = { ...serveEnvironment(directory), MINTAGE_PORT: port, MINTAGE_ISSUER: '' }
  const { failures, complaints } = await examine(t, environment)
  t.deepEqual(failures, ['configuration', 'database'])
  t.regex(complaints('configuration').join(), /MINTAGE_ISSUER is missing: set it to the https URL/)
  t.regex(
    complaints('database').join(),
    /There is no database at .*mintage\.db: run mintage migrate, or correct/,
  )
  t.deepEqual(readdirSync(directory), [])
})

test('a wrong configuration is a failure by itself', async (t) => {
  const { failures, findings } = await examine(t, { MINTAGE_PORT: 'x', MINTAGE_PROT: '1' })
  t.deepEqual(failures, ['configuration', 'configuration'])
  t.true(findings.some(({ message }) => message.startsWith('MINTAGE_PORT is "x": expected ')))
})

test('keys that are loose, missing or damaged are named with what to do', async (t) => {
  const { environment, keys } = await makeInstallation(t)
  const [file = ''] = readdirSync(keys).filter((name) => name.endsWith('.pem'))
  const [mac = ''] = readdirSync(keys).filter((name) => name.startsWith('mac-'))
  chmodSync(keys, 0o755)
  chmodSync(join(keys, file), 0o644)
  writeFileSync(join(keys, mac), Buffer.alloc(32).toString('base64url'))
  const loose = await examine(t, environment)
  t.deepEqual(loose.failures, ['keys', 'keys'])
  t.regex(
    loose.complaints('keys').join('\n'),
    new RegExp(`failure: .*${file} has mode 0644, .*: run .chmod 600`),
  )
  t.regex(
    loose.complaints('keys').join('\n'),
    /failure: The MAC key \d+ is not random: run mintage keys revoke --all/,
  )
  t.regex(loose.complaints('keys').join('\n'), /warning: .*keys has mode 0755, .*: run chmod 700/)
  t.is(statSync(join(keys, file)).mode & 0o777, 0o644)
  rmSync(join(keys, file))
  rmSync(join(keys, mac))
  const missing = await examine(t, environment)
  t.regex(missing.complaints('keys').join('\n'), new RegExp(`${file} is missing: restore it`))
  t.regex(missing.complaints('keys').join('\n'), new RegExp(`${mac} is missing: restore it`))
  // Neither was made anew.
  t.false(existsSync(join(keys, file)) || existsSync(join(keys, mac)))
})

test('a schema that is newer or behind, and a damaged or foreign file, are told apart', async (t) => {
  const { environment, issuer, database } = await makeInstallation(t)
  await issuer.end()
  const change = (sql: string) => {
    const connection = new Database(database)
    connection.exec(sql)
    connection.close()
  }
  change("INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('9999-from-the-future', 2, 0)")
  const newer = await examine(t, environment)
  t.regex(
    newer.complaints('schema').join(),
    /^failure: The schema is of a newer version .*9999-from-the-future/,
  )
  change('DELETE FROM knex_migrations')
  const behind = await examine(t, environment)
  t.regex(behind.complaints('schema').join(), /^warning: The schema is behind .*: run mintage migrate/)
  t.false(behind.failures.includes('database'))

  chmodSync(database, 0o644)
  t.regex(
    (await examine(t, environment)).complaints('database').join(),
    /^warning: .* has mode 0644, .*chmod 600/,
  )
  renameSync(database, `${database}.kept`)
  writeFileSync(database, 'This is a letter to my aunt. '.repeat(200))
  t.regex(
    (await examine(t, environment)).complaints('database').join(),
    /^failure: .* was not written by SQLite/,
  )
  t.regex(readFileSync(database, 'utf8'), /^(This is a letter to my aunt\. )+$/)
})

test('another issuer at the address is told as such', async (t) => {
  const { environment } = await makeInstallation(t)
  const { failures, complaints } = await examine(t, {
    ...environment,
    MINTAGE_ISSUER: environment.MINTAGE_ISSUER.replace('127.0.0.1', 'localhost'),
  })
  t.deepEqual(failures, ['port', 'issuer'])
  t.regex(
    complaints('issuer').join(),
    /is answered by the issuer "http:\/\/127\.0\.0\.1:\d+", not by "http:\/\/localhost/,
  )
})
