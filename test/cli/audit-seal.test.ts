import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { openInstallation } from '../../src/compose/installation.ts'
import { readConfig } from '../../src/config.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'

const Database = loadSqliteDriver()

interface Verified {
  readonly intact: boolean
  readonly rows: number
  readonly unsealed: number
  readonly head: number
  readonly high_water_mark: string
  readonly problems: readonly { readonly problem: string; readonly id?: number; readonly sequence?: number }[]
}

/** An installation with a few rows in its trail. */
async function makeTrail(t: ExecutionContext) {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const run = (...args: readonly string[]) => runMintage(args, environment)
  const installation = await openInstallation(readConfig(environment), {
    onProblem: (error) => t.fail(`${error}`),
  })
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    await installation.administration.apis.create(`https://${name}.example`, {})
    // A row of a time of its own each, for pruning by time.
    await delay(2)
  }
  await installation.close()
  return {
    directory,
    environment,
    run,
    /** What somebody does who can write to the database and has no key. */
    tamper(sql: string) {
      const connection = new Database(join(directory, 'mintage.db'))
      connection.exec(sql)
      connection.close()
    },
    async verify(): Promise<{ readonly code: number | null; readonly verified: Verified }> {
      const { code, stdout } = await run('audit', 'verify', '--json')
      return { code, verified: JSON.parse(stdout) }
    },
  }
}

test('audit verify tells a changed, a deleted, an inserted and a cut row, each by its place, and exits with 1', async (t) => {
  const { run, tamper, verify } = await makeTrail(t)
  const intact = await run('audit', 'verify')
  t.is(intact.code, 0)
  t.regex(intact.stdout, /^Intact: 6 rows; the chain ends at place 6\.\n$/)

  tamper("UPDATE audit SET data = '{}' WHERE id = 2")
  const changed = await run('audit', 'verify')
  t.is(changed.code, 1)
  t.regex(
    changed.stdout,
    /^Row 2 \(place 2, api\.created, \d{4}-[^)]+Z\) was changed: it is not what was sealed\.\n$/,
  )
  t.regex(changed.stderr, /^mintage: The audit trail is not intact\.\n$/)

  tamper('DELETE FROM audit WHERE id = 4')
  tamper("INSERT INTO audit (at, type, data) VALUES (1, 'user.deleted', '{}')")
  const { code, verified } = await verify()
  t.is(code, 1)
  t.deepEqual(
    verified.problems.map(({ problem, id, sequence }) => [problem, id, sequence]),
    [
      ['changed', 2, 2],
      ['deleted', undefined, 4],
      ['inserted', 7, undefined],
    ],
  )
  tamper('DELETE FROM audit WHERE id >= 5')
  const cut = await run('audit', 'verify')
  t.is(cut.code, 1)
  t.regex(cut.stdout, /The tail was cut: 3 rows from place 4 to 6 are gone, behind row 3 \(/)
})

test('a tail that was cut together with the head shows, for the mark lies outside the database', async (t) => {
  const { tamper, verify } = await makeTrail(t)
  tamper(`UPDATE audit_chain SET sequence = 4, seal = (SELECT seal FROM audit WHERE sequence = 4);
    DELETE FROM audit WHERE sequence > 4`)
  const { code, verified } = await verify()
  t.is(code, 1)
  t.is(verified.high_water_mark, 'behind')
  t.deepEqual(
    verified.problems.map(({ problem }) => problem),
    ['cut'],
  )
})

test('a running server seals what commands and somebody else insert, and tells them apart', async (t) => {
  const { environment, run, tamper, verify } = await makeTrail(t)
  const issuer = await startChildIssuer(['serve'], environment)
  t.is((await run('api', 'create', 'https://g.example')).code, 0)
  tamper("INSERT INTO audit (at, type, data) VALUES (1, 'user.deleted', '{}')")
  const answer = await eventually(verify, ({ verified }) => verified.unsealed === 0)
  t.is(await issuer.end(), 0)
  t.is(answer.verified.unsealed, 0)
  t.is(answer.verified.head, answer.verified.rows)
  t.deepEqual(
    answer.verified.problems.map(({ problem }) => problem),
    ['inserted'],
  )
})

test('what is pruned leaves a signed checkpoint; the export is a line of JSON a row', async (t) => {
  const { directory, run, tamper, verify } = await makeTrail(t)
  const first = (await run('audit', 'export')).stdout.trimEnd().split('\n')
  t.is(first.length, 6)
  t.like(JSON.parse(first[0] ?? ''), { id: 1, type: 'api.created', audience: 'https://a.example' })
  const before = new Date(Date.parse(JSON.parse(first[3] ?? '').at)).toISOString()
  const pruned = await run('audit', 'prune', '--before', before, '--json')
  t.deepEqual(JSON.parse(pruned.stdout), { deleted: 3 })
  t.like(await verify(), { code: 0, verified: { intact: true, rows: 4, head: 7 } })
  t.is(statSync(join(directory, 'keys', 'high-water-mark.json')).mode & 0o777, 0o600)
  const tail = JSON.parse((await run('audit', 'tail', '--lines', '1', '--json')).stdout)
  t.like(tail, { type: 'audit.pruned', sequence: 3 })
  tamper('DELETE FROM audit WHERE sequence = 4')
  t.is((await verify()).code, 1)
  t.is((await run('audit', 'prune', '--before', '0s')).code, 1)
})

test('a lost key is told by its name, and a new one goes on from there', async (t) => {
  const { directory, run, verify, environment } = await makeTrail(t)
  // With the signing keys beside it: a directory without any is told as the wrong one.
  await (await startChildIssuer(['serve'], environment)).end()
  const [file = ''] = readdirSync(join(directory, 'keys')).filter((name) => name.startsWith('audit-'))
  rmSync(join(directory, 'keys', file))
  const served = await run('serve')
  t.is(served.code, 1)
  t.regex(served.stderr, new RegExp(`${file} is missing: restore it .*mintage audit rotate-key`))
  t.is((await run('audit', 'rotate-key')).code, 0)
  await (await startChildIssuer(['serve'], environment)).end()
  const { code, verified } = await verify()
  t.is(code, 1)
  t.deepEqual(
    verified.problems.map(({ problem }) => problem),
    ['unverifiable'],
  )
})
