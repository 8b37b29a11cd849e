import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import { cleanEnvironment, executable, runMintage, runMintageBatch } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'

const lines = (stdout: string) => stdout.trimEnd().split('\n')

test('audit tail and export show what changed trust, by type and by time', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  await registerAccounts(environment)
  const [tail, created, users, kind, none, all, later, earlier] = await runMintageBatch(
    [
      ['audit', 'tail', '-n', '2'],
      ['audit', 'tail', '-n', '1', '--type', 'client.created', '--json'],
      ['audit', 'tail', '--type', 'user', '--json'],
      ['audit', 'export', '--type', 'client'],
      ['audit', 'tail', '--type', 'clint'],
      ['audit', 'export'],
      ['audit', 'export', '--since', '2999-01-01'],
      ['audit', 'export', '--since', '1d', '--until', '2999-01-01T00:00:00Z'],
    ],
    environment,
  )
  t.regex(
    tail?.stdout ?? '',
    /^20\S+Z {2}client\.created +client=app\n20\S+Z {2}user\.created +user=usr_\S+\n$/,
  )
  t.like(JSON.parse(created?.stdout ?? ''), { type: 'client.created', client: 'app' })
  t.deepEqual(
    lines(users?.stdout ?? '').map((line) => JSON.parse(line).type),
    ['user.created'],
  )
  t.deepEqual(
    lines(kind?.stdout ?? '').map((line) => JSON.parse(line).client),
    ['service', 'app'],
  )
  t.deepEqual([none?.code, none?.stdout], [1, ''])
  t.regex(none?.stderr ?? '', /No audit row has the type "clint": .* \(Did you mean client\?\)/)
  const rows = lines(all?.stdout ?? '').map((line) => JSON.parse(line))
  t.deepEqual(
    rows.map(({ type }) => type),
    ['api.created', 'client.created', 'client.created', 'user.created'],
  )
  t.deepEqual(
    rows.map(({ id }) => id),
    rows.map(({ id }) => id).sort((a, b) => a - b),
  )
  for (const { at } of rows) t.false(Number.isNaN(Date.parse(at)))
  t.deepEqual([later?.code, later?.stdout], [0, ''])
  t.is(earlier?.stdout, all?.stdout)
})

test('audit tail --follow goes on with what other processes do, and ends well when it is stopped', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  await registerAccounts(environment)
  const child = spawn(process.execPath, [executable, 'audit', 'tail', '-n', '1', '-f', '--json'], {
    env: cleanEnvironment(environment),
  })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const seen = async () => stdout
  await eventually(seen, (text) => text.includes('user.created'))
  t.is((await runMintage(['user', 'disable', 'ada'], environment)).code, 0)
  t.is((await runMintage(['user', 'enable', 'ada'], environment)).code, 0)
  await eventually(seen, (text) => text.includes('user.enabled'))
  t.deepEqual(
    lines(stdout).map((line) => JSON.parse(line).type),
    ['user.created', 'user.disabled', 'user.enabled'],
  )
  const ended = once(child, 'close')
  child.kill('SIGINT')
  t.deepEqual((await ended).slice(0, 1), [0])
})

test('a reader that has seen enough ends a long list without a word', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const users = Array.from({ length: 3_000 }, (_, n) => JSON.stringify({ username: `user-${n}` })).join('\n')
  t.is((await runMintage(['user', 'import', '-', '--json'], environment, users)).code, 0)
  for (const command of [
    'user list',
    'user list --json',
    'user export',
    'audit export',
    'audit tail -n 3000',
  ]) {
    const script = `"$0" "$1" ${command} | head -c 100 | wc -c`
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, executable], {
      env: cleanEnvironment(environment),
      encoding: 'utf8',
    })
    t.deepEqual([status, stdout.trim(), stderr], [0, '100', ''], command)
  }
})
