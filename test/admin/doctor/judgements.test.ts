import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { judgeClock } from '../../../src/admin/doctor/database.ts'
import { examineDisks, judgeRoom } from '../../../src/admin/doctor/disk.ts'
import { judgeNode, judgeSqlite } from '../../../src/admin/doctor/runtime.ts'
import { examineSecrets } from '../../../src/admin/doctor/secrets.ts'
import { makeDirectory } from '../../support/installation.ts'

const autumn = Date.UTC(2026, 9, 1)

test('releases of Node are judged by what they are: too old, unmended, short-lived, good', (t) => {
  for (const release of ['18.20.8', '20.18.3', '19.9.0', '4.9.1'])
    t.is(judgeNode(release, autumn).status, 'failure')
  for (const release of ['20.19.0', '21.7.3', '23.11.0', '25.1.0'])
    t.is(judgeNode(release, autumn).status, 'warning')
  for (const release of ['22.12.0', '24.21.0', '26.0.0']) t.is(judgeNode(release, autumn).status, 'ok')
  t.is(judgeNode('20.19.0', Date.UTC(2026, 0, 1)).status, 'ok')
  t.is(judgeNode('24.1.0', Date.UTC(2028, 5, 1)).status, 'warning')
})

test('a SQLite that can lose commits beside a second process is a failure', (t) => {
  for (const version of ['3.7.0', '3.44.5', '3.46.0', '3.49.2', '3.50.6', '3.51.2']) {
    t.is(judgeSqlite(version).status, 'failure', version)
  }
  for (const version of ['3.44.6', '3.50.7', '3.51.3', '3.53.0', '3.53.2', '4.0.0']) {
    t.is(judgeSqlite(version).status, 'ok', version)
  }
  t.is(judgeSqlite('3.52.0').status, 'warning')
})

const facts = {
  engine: 'sqlite',
  version: '3.53.2',
  file: '/srv/mintage.db',
  unwritable: undefined,
  damage: undefined,
  missingMigrations: [],
  unknownMigrations: [],
  breakingMigrations: [],
  ring: undefined,
  secrets: undefined,
  clock: undefined,
  lastChange: undefined,
} as const

test("the machine's clock is judged against the database's, by no more than the way there allows", (t) => {
  const ask = (now: number, way: number) =>
    judgeClock({ ...facts, clock: { now, asked: autumn, answered: autumn + way } }, autumn)
  t.is(ask(autumn, 0).status, 'ok')
  t.is(ask(autumn + 3_000, 4_000).status, 'ok')
  t.is(ask(autumn + 3_000, 10).status, 'warning')
  t.is(ask(autumn - 3_000, 10).status, 'warning')
  t.is(ask(autumn - 3_600_000, 10).status, 'failure')
})

test('a clock that is behind what was written already is a failure', (t) => {
  t.is(judgeClock(facts, autumn).status, 'ok')
  t.is(judgeClock({ ...facts, lastChange: autumn - 1 }, autumn).status, 'ok')
  const { status, message } = judgeClock({ ...facts, lastChange: autumn + 60_000 }, autumn)
  t.is(status, 'failure')
  t.regex(
    message,
    /^The clock says 2026-10-01T00:00:00\.000Z, but the database was changed at 2026-10-01T00:01/,
  )
})

test('room on a disk is judged in bytes and in files', (t) => {
  t.is(judgeRoom('/x', 1e9, undefined).status, 'ok')
  t.is(judgeRoom('/x', 1e8, 1e6).status, 'warning')
  t.is(judgeRoom('/x', 1e6, 1e6).status, 'failure')
  t.is(judgeRoom('/x', 1e9, 3).status, 'failure')
})

test('a directory that is not there yet counts where it will be, and each one once', async (t) => {
  const directory = makeDirectory(t)
  const findings = await examineDisks([join(directory, 'not', 'yet'), `${directory}/not/yet/`])
  const room = findings.filter((finding) => finding.message.includes('MiB left'))
  t.is(room.length, 1)
  t.true(room[0]?.message.startsWith(`${join(directory, 'not', 'yet')} has `))
})

test('security 40: a secret that others can read, and a password that everybody tries, are warned of and not repeated', (t) => {
  const path = join(makeDirectory(t), 'secret')
  writeFileSync(path, 'x')
  const examine = (url: string, mode = 0o600) => {
    chmodSync(path, mode)
    return examineSecrets([{ setting: 'MINTAGE_DATABASE_URL', path }], url)
  }
  const strong = 'postgres://mintage:9fWc2kXq7LzT@db/mintage'
  for (const url of ['sqlite:x', 'postgres://db/mintage', strong]) t.is(examine(url)[0]?.status, 'ok', url)
  t.regex(examine(strong, 0o604)[0]?.message ?? '', /has mode 0604, .*: run chmod 600/)
  t.is(examine(strong, 0o640)[0]?.status, 'ok')
  for (const password of [
    'postgres',
    'ChangeMe',
    'change-me',
    'mintage',
    '123456',
    'secret',
    'short-one',
    '100%',
  ]) {
    const [finding] = examine(`postgres://mintage:${password}@db/mintage`)
    t.is(finding?.status, 'warning', password)
    t.false(finding?.message.includes(`:${password}@`))
  }
})
