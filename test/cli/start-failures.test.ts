import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'

const Database = loadSqliteDriver()

/** One sentence on stderr, nothing on stdout but log lines, exit 1: no stack, no half start. */
async function failToServe(t: ExecutionContext, environment: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await runMintage(['serve'], environment)
  t.is(code, 1, stdout + stderr)
  t.notRegex(stdout, /"listening"/)
  t.regex(stderr, /^(mintage: [^\n]+[.)]\n)+$/)
  t.notRegex(stderr, / {4}at |node_modules/)
  return stderr
}

/** An installation that was started once and is stopped. */
async function makeInstallation(t: ExecutionContext) {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const issuer = await startChildIssuer(['serve'], environment)
  await issuer.end()
  return { directory, environment, keys: join(directory, 'keys'), database: join(directory, 'mintage.db') }
}

test('a port in use stops the start before anything is written', async (t) => {
  const directory = join(makeDirectory(t), 'data')
  const squatter = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => squatter.once('listening', resolve))
  const address = squatter.address()
  const port = String(typeof address === 'object' ? address?.port : '')
  const said = await failToServe(t, { ...serveEnvironment(directory), MINTAGE_PORT: port })
  t.regex(said, new RegExp(`127\\.0\\.0\\.1:${port} is in use: .*MINTAGE_PORT`))
  t.false(existsSync(directory))
  const dev = await runMintage(['dev', '--port', port, '--data', directory])
  t.is(dev.code, 1)
  t.regex(dev.stderr, /is in use: .*--port/)
  t.false(existsSync(directory))
  squatter.close()
})

test('an address that is not ours stops the start', async (t) => {
  const environment = serveEnvironment(join(makeDirectory(t), 'data'))
  for (const host of ['192.0.2.1', 'no-such-host.invalid']) {
    t.regex(await failToServe(t, { ...environment, MINTAGE_HOST: host }), /MINTAGE_HOST/)
  }
})

test('security 28: a key file that is loose, corrupt, foreign or missing stops the start by its name', async (t) => {
  const { environment, keys } = await makeInstallation(t)
  const isSecret = (file: string) => /\.(pem|key)$/.test(file)
  const files = readdirSync(keys).filter(isSecret)
  t.is(files.filter((file) => file.endsWith('.pem')).length, 2)
  t.deepEqual(
    files
      .filter((file) => file.endsWith('.key'))
      .map((file) => file.replace(/\d+/, 'ID'))
      .sort(),
    ['audit-ID.key', 'mac-ID.key'],
  )
  for (const file of files) {
    const path = join(keys, file)
    const content = readFileSync(path)
    for (const mode of [0o640, 0o601]) {
      chmodSync(path, mode)
      const said = await failToServe(t, environment)
      t.true(said.includes(path), said)
      t.true(said.includes(`chmod 600 ${path}`), said)
    }
    chmodSync(path, 0o600)
    for (const damaged of ['', content.subarray(0, content.length / 2).toString()]) {
      writeFileSync(path, damaged)
      t.true((await failToServe(t, environment)).includes(path))
    }
    rmSync(path)
    t.regex(await failToServe(t, environment), new RegExp(`${file} is missing: restore it .* or run`))
    mkdirSync(path)
    t.true((await failToServe(t, environment)).includes(path))
    rmSync(path, { recursive: true })
    writeFileSync(path, content, { mode: 0o600 })
  }
  const [one = '', other = ''] = files.filter((file) => file.endsWith('.pem'))
  const kept = readFileSync(join(keys, one))
  writeFileSync(join(keys, one), readFileSync(join(keys, other)))
  t.true((await failToServe(t, environment)).includes(one))
  writeFileSync(join(keys, one), kept)
  t.deepEqual(readdirSync(keys).filter(isSecret).sort(), [...files].sort())
  const issuer = await startChildIssuer(['serve'], environment)
  t.is(await issuer.end(), 0)
})

test('a database of a newer version is refused and stays as it is', async (t) => {
  const { environment, database } = await makeInstallation(t)
  const connection = new Database(database)
  connection
    .prepare('INSERT INTO knex_migrations (name, batch, migration_time) VALUES (?, 2, ?)')
    .run('9999-from-the-future', Date.now())
  connection.pragma('wal_checkpoint(TRUNCATE)')
  connection.close()
  const before = readFileSync(database)
  for (const args of [['serve'], ['migrate'], ['client', 'list'], ['keys', 'rotate-mac']]) {
    const { code, stdout, stderr } = await runMintage(args, environment)
    t.is(code, 1, args.join(' '))
    t.is(stdout, '')
    t.regex(stderr, /^mintage: .*newer version of Mintage.*9999-from-the-future.*Run that version[^\n]*\n$/)
  }
  t.deepEqual(readFileSync(database), before)
})

test('a database path that is no database stops the start by its name', async (t) => {
  const directory = makeDirectory(t)
  const text = join(directory, 'text.db')
  writeFileSync(text, 'This is a letter to my aunt, and no database at all. '.repeat(50))
  const folder = join(directory, 'folder.db')
  mkdirSync(folder)
  for (const path of [text, folder, join(text, 'below.db')]) {
    const said = await failToServe(t, {
      ...serveEnvironment(directory),
      MINTAGE_DATABASE_URL: `sqlite:${path}`,
    })
    t.true(said.includes(path), said)
  }
  t.regex(readFileSync(text, 'utf8'), /^(This is a letter to my aunt, and no database at all\. ){50}$/)
  t.false(existsSync(join(directory, 'keys')))
})

test('a damaged database is told as such, with what to do', async (t) => {
  const { environment, database } = await makeInstallation(t)
  const connection = new Database(database)
  connection.pragma('wal_checkpoint(TRUNCATE)')
  connection.close()
  const bytes = readFileSync(database)
  bytes.fill(0xa5, 4_096, 65_536)
  writeFileSync(database, bytes)
  t.regex(await failToServe(t, environment), /mintage\.db: The database file is damaged .*restore a backup/)
})

test('a keys directory that cannot be made stops the start by its name', async (t) => {
  const directory = makeDirectory(t)
  writeFileSync(join(directory, 'file'), '')
  const keys = join(directory, 'file', 'keys')
  const said = await failToServe(t, { ...serveEnvironment(directory), MINTAGE_KEYS_DIR: keys })
  t.true(said.includes(keys), said)
})
