import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, post, toPair } from '../support/oauth.ts'

test('backup copies the database while a server writes to it, and the copy is an installation', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const token = (form: Record<string, string>) => post(`${issuer.url}/oauth2/token`, form, basic(service))
  const login = () => token({ grant_type: 'password', username: 'ada', password })
  await login()
  let done = false
  let logins = 1
  const writing = (async () => {
    while (!done) {
      t.is((await login()).status, 200)
      logins++
    }
  })()
  const target = join(directory, 'copy.db')
  const { code, stdout, stderr } = await runMintage(['backup', target, '--json'], environment)
  done = true
  await writing
  t.is(code, 0, stderr)
  const said = JSON.parse(stdout)
  t.like(said, { file: target, bytes: statSync(target).size, integrity: 'ok' })
  t.deepEqual(said.also_keep[0], { what: 'the private keys', path: join(directory, 'keys') })
  t.regex(
    stderr,
    /Keep as well.*\n {2}the private keys: .*\n {2}not the high-water mark .*\n {2}the configuration: /,
  )
  t.is(statSync(target).mode & 0o777, 0o600)
  t.deepEqual(
    readdirSync(directory).filter((name) => /copy\.db.|backup/.test(name)),
    [],
  )

  const Sqlite = loadSqliteDriver()
  const copy = new Sqlite(target, { readonly: true })
  t.is(copy.pragma('integrity_check', { simple: true }), 'ok')
  const { sessions } = copy.prepare('SELECT count(*) AS sessions FROM sessions').get() as { sessions: number }
  copy.close()
  t.true(sessions >= 1 && sessions <= logins, `${sessions} of ${logins}`)
  await issuer.end()
  const restored = { ...environment, MINTAGE_DATABASE_URL: `sqlite:${target}` }
  // Logins went on after the copy was made, so it is an old database to this node.
  const refused = await runMintage(['serve'], restored)
  t.deepEqual([refused.code, /taken back in time/.test(refused.stderr)], [1, true])
  t.is((await runMintage(['recover', '--accept-resurrection'], restored)).code, 0)
  const again = await startChildIssuer(['serve'], restored)
  t.teardown(() => again.end('SIGKILL'))
  const form = { grant_type: 'password', username: 'ada', password }
  t.truthy(toPair(await post(`${again.url}/oauth2/token`, form, basic(service))).refresh_token)
  t.is(await again.end(), 0)
})

test('backup replaces nothing by mistake, and makes nothing where it cannot', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const nothing = await runMintage(['backup', join(directory, 'copy.db')], environment)
  t.is(nothing.code, 1)
  t.regex(nothing.stderr, /^mintage: There is no database at ".*mintage\.db": make MINTAGE_DATABASE_URL name/)
  t.deepEqual(readdirSync(directory), [])

  await registerAccounts(environment)
  const before = readFileSync(join(directory, 'mintage.db'))
  const target = join(directory, 'copy.db')
  writeFileSync(target, 'kept', { mode: 0o644 })
  symlinkSync(join(directory, 'mintage.db'), join(directory, 'link.db'))
  for (const [args, said] of [
    [[target], /is there already: name another file, or say --force/],
    [[join(directory, 'mintage.db'), '--force'], /is the database itself/],
    [[join(directory, 'mintage.db-wal'), '--force'], /is the database itself/],
    [[join(directory, 'link.db'), '--force'], /is the database itself/],
    [[join(directory, 'none', 'copy.db')], /There is no directory ".*none": make it/],
  ] as const) {
    const { code, stdout, stderr } = await runMintage(['backup', ...args], environment)
    t.deepEqual([code, stdout], [1, ''])
    t.regex(stderr, said)
    t.regex(stderr, /^mintage: [^\n]+\n$/)
  }
  t.is(readFileSync(target, 'utf8'), 'kept')
  t.deepEqual(readFileSync(join(directory, 'mintage.db')), before)
  t.is((await runMintage(['backup', target, '--force'], environment)).code, 0)
  t.is(statSync(target).mode & 0o777, 0o600)
  t.true(readFileSync(target).subarray(0, 15).equals(Buffer.from('SQLite format 3')))
})

test('on PostgreSQL backup says how, and that nothing was copied', async (t) => {
  const { code, stdout, stderr } = await runMintage(['backup', "it's.dump"], {
    MINTAGE_DATABASE_URL: 'postgres://nobody:canary@127.0.0.1:1/none',
    MINTAGE_STATE_DIR: '/nonexistent/state',
  })
  t.deepEqual([code, stdout], [1, ''])
  t.regex(stderr, /Mintage made no copy.* pg_dump --format=custom --file='it'\\''s\.dump' --dbname=/)
  t.false(stderr.includes('canary'))
})
