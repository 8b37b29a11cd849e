import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { cleanEnvironment, executable, runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'

const Database = loadSqliteDriver()

function readSchema(directory: string) {
  const connection = new Database(join(directory, 'mintage.db'))
  try {
    return {
      migrations: connection.prepare('SELECT name FROM knex_migrations ORDER BY id').pluck().all(),
      locked: connection.prepare('SELECT is_locked FROM knex_migrations_lock').pluck().all(),
      integrity: connection.pragma('integrity_check', { simple: true }),
      journal: connection.pragma('journal_mode', { simple: true }),
    }
  } finally {
    connection.close()
  }
}

test.serial('two processes that migrate at once from nothing both succeed, ten times', async (t) => {
  for (let round = 0; round < 10; round++) {
    const directory = makeDirectory(t)
    const environment = serveEnvironment(directory)
    const results = await Promise.all([
      runMintage(['migrate', '--json'], environment),
      runMintage(['migrate', '--json'], environment),
    ])
    for (const { code, stderr } of results) t.is(code, 0, stderr)
    const schema = readSchema(directory)
    t.is(new Set(schema.migrations).size, schema.migrations.length)
    t.deepEqual(schema.locked, [0])
    t.is(schema.integrity, 'ok')
    t.is(schema.journal, 'wal')
  }
})

test.serial('the names of migrations carry no file extension', async (t) => {
  const directory = makeDirectory(t)
  t.is((await runMintage(['migrate'], serveEnvironment(directory))).code, 0)
  const { migrations } = readSchema(directory)
  t.true(migrations.length > 0)
  for (const name of migrations) t.regex(String(name), /^\d{4}-[a-z0-9-]+$/)
})

test.serial('migrating what is up to date changes nothing', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  t.is((await runMintage(['migrate'], environment)).code, 0)
  const before = readSchema(directory)
  t.is((await runMintage(['migrate'], environment)).code, 0)
  t.deepEqual(readSchema(directory), before)
})

test.serial('a first migration that is killed leaves what the next start repairs', async (t) => {
  let interrupted = 0
  for (let round = 0; round < 6; round++) {
    const directory = makeDirectory(t)
    const environment = serveEnvironment(directory)
    const child = spawn(process.execPath, [executable, 'migrate'], {
      env: cleanEnvironment(environment),
      stdio: 'ignore',
    })
    const exited = once(child, 'close')
    // The file appears first; the schema follows within a few milliseconds of it.
    while (!existsSync(join(directory, 'mintage.db')) && child.exitCode === null) await delay(1)
    await delay(round * 4)
    child.kill('SIGKILL')
    const [code] = await exited
    if (code === null) interrupted++
    const { code: again, stderr } = await runMintage(['migrate'], environment)
    t.is(again, 0, stderr)
    const schema = readSchema(directory)
    t.deepEqual(schema.locked, [0])
    t.is(schema.integrity, 'ok')
  }
  t.log(`${interrupted} of 6 were killed before their end`)
  t.true(interrupted > 0)
})

test.serial('two first starts at once share one ring', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const issuers = await Promise.all([
    startChildIssuer(['serve'], environment),
    startChildIssuer(['serve'], environment),
  ])
  const rings = await Promise.all(
    issuers.map(async ({ url }) => (await fetch(`${url}/.well-known/jwks.json`)).text()),
  )
  t.is(rings[0], rings[1])
  for (const issuer of issuers) t.is(await issuer.end(), 0)
})
