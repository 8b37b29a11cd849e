import { readdirSync, readFileSync } from 'node:fs'
import { sep } from 'node:path'
import test from 'ava'
import { findAllowed, inspect } from './house.ts'
import { readSource } from './source-reader.ts'

const root = new URL('../../', import.meta.url)

const sources = ['src', 'migrations'].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .filter((path) => /\.[cm]?ts$/.test(path) && !/\/(?:dist|node_modules)\//.test(path)),
)

test('every import climbs no higher than the table of folders allows', (t) => {
  const violations = sources.flatMap((path) => inspect(path, readFileSync(new URL(path, root), 'utf8')))
  t.deepEqual(violations, [], violations.join('\n'))
})

test('the sources are really read', (t) => {
  const imports = sources.flatMap(
    (path) => readSource(path, readFileSync(new URL(path, root), 'utf8')).imports,
  )
  t.true(sources.includes('src/verifier/jws.ts'))
  t.true(sources.includes('src/protocol/errors.ts'))
  t.true(imports.filter((specifier) => specifier?.startsWith('../')).length > 20)
})

test('the rows reach what the design says', (t) => {
  t.deepEqual([...findAllowed('lib')], ['lib'])
  t.deepEqual([...findAllowed('store')].sort(), ['events', 'lib', 'protocol', 'store'])
  t.deepEqual([...findAllowed('users')].sort(), ['events', 'lib', 'limits', 'protocol', 'store', 'users'])
  t.false(findAllowed('sessions').has('apis'))
  t.true(findAllowed('tokens').has('apis'))
  t.false(findAllowed('http').has('store'))
  t.false(findAllowed('compose').has('cli'))
  t.false(findAllowed('cli').has('store'))
})

/** A file, what stands in it, and what the complaint must say. */
const climbing: readonly (readonly [path: string, source: string, complaint: RegExp])[] = [
  [
    'src/protocol/a.ts',
    "import { x } from '../lib/clock.ts'",
    /src\/protocol\/a\.ts imports \.\.\/lib\/clock\.ts/,
  ],
  ['src/lib/a.ts', "import type { X } from '../protocol/errors.ts'", /lib may import lib$/],
  [
    'src/events/a.ts',
    "export { x } from '../store/store.ts'",
    /\(store\); events may import events, protocol, lib/,
  ],
  ['src/events/a.ts', "export * from '../store/store.ts'", /events may import/],
  ['src/events/a.ts', "export type { X } from '../store/store.ts'", /events may import/],
  ['src/store/a.ts', "const x = await import('../keys/signer.ts')", /store may import/],
  ['src/store/a.ts', "type X = import('../keys/signer.ts').Signer", /store may import/],
  ['src/store/a.ts', "import x = require('../keys/signer.ts')", /store may import/],
  ['src/store/a.ts', "const x = require('../keys/signer.ts')", /store may import/],
  ['src/store/a.ts', 'const x = await import(`../keys/signer.ts`)', /store may import/],
  ['src/store/a.ts', 'const x = await import(name)', /not a plain string/],
  ['src/store/deep/a.ts', "import '../../keys/signer.ts'", /store may import/],
  ['src/store/a.ts', "import {\n  // from './b.ts'\n  x,\n} from '../keys/signer.ts'", /keys\/signer/],
  ['src/limits/a.ts', "import '../keys/signer.ts'", /limits may import/],
  ['src/users/a.ts', "import '../clients/client.ts'", /users may import/],
  ['src/users/a.ts', "new Worker(new URL('../keys/worker.js', import.meta.url))", /users may import/],
  ['src/users/a.ts', "import.meta.resolve('../keys/worker.js')", /users may import/],
  ['src/sessions/a.ts', "import '../apis/api.ts'", /sessions may import/],
  ['src/sessions/a.ts', "import '../tokens/mint.ts'", /sessions may import/],
  ['src/tokens/a.ts', "import '../grants/password.ts'", /tokens may import/],
  ['src/grants/a.ts', "import '../http/app.ts'", /grants may import/],
  ['src/admin/a.ts', "import '../http/app.ts'", /admin may import/],
  ['src/http/a.ts', "import type { Store } from '../store/store.ts'", /http may import/],
  ['src/http/a.ts', "import { compose } from '../compose.ts'", /\(compose\); http may import/],
  ['src/http/simplejwt/a.ts', "import '../../config.ts'", /http may import/],
  ['src/compose.ts', "import './cli/serve.ts'", /compose may import/],
  ['src/config.ts', "import './main.ts'", /config may import/],
  ['src/cli/a.ts', "import '../store/store.ts'", /cli may import cli, compose, admin, config/],
  ['src/main.ts', "import './http/app.ts'", /main may import/],
  ['src/keys/a.ts', "import knex from 'knex'", /imports knex; only store, migrations may/],
  ['src/admin/a.ts', "import type { Knex } from 'knex/types'", /only store, migrations may/],
  ['src/compose.ts', "import Database from 'better-sqlite3'", /only store, migrations may/],
  ['src/keys/a.ts', "import { x } from '../verifier/jws.ts'", /the verifier is a package/],
  ['src/tokens/a.ts', "import { x } from '../verifier/jws.ts'", /the verifier is a package/],
  [
    'src/keys/a.ts',
    "import { x } from '@mintage/verifier/jws'",
    /@mintage\/verifier\/jws; only tokens, grants/,
  ],
  ['src/verifier/a.ts', "import type { X } from '../protocol/claims.ts'", /verifier may import verifier$/],
  ['src/verifier/a.ts', "import { SignJWT } from 'jose'", /the verifier may import node: modules/],
  ['src/verifier/a.ts', "import { x } from '@mintage/verifier/jws'", /the verifier may import node: modules/],
  ['src/http/a.ts', "import { x } from 'mintage'", /the server itself/],
  ['src/http/a.ts', "import x from '#config'", /relative paths and packages/],
  ['src/store/a.ts', "import '../../test/house.ts'", /\(test\/house\.ts\); store may import/],
  ['src/keys/a.ts', "import '../../migrations/index.ts'", /\(migrations\); keys may import/],
  ['migrations/a.ts', "import { Store } from '../src/store/store.ts'", /migrations may import knex/],
  ['src/http/a.ts', 'const level = process.env.LOG_LEVEL', /reads process\.env; only config, compose/],
  ['src/http/a.ts', "const level = process['env']['LOG_LEVEL']", /reads process\.env/],
  ['src/http/a.ts', 'const level = globalThis.process?.env', /reads process\.env/],
  ['src/http/a.ts', 'const { env } = process', /reads process\.env/],
  ['src/store/a.ts', "import { env as e } from 'node:process'", /reads process\.env/],
  ['src/verifier/a.ts', "import process from 'node:process'\nprocess.env", /reads process\.env/],
  ['src/utils/a.ts', '', /no row/],
  ['src/lib/utils.ts', '', /no folder or file is called utils\.ts/],
  ['src/http/helpers/a.ts', '', /called helpers/],
  ['src/http/string-utils.ts', '', /called string-utils\.ts/],
  ['src/store/common.ts', '', /called common\.ts/],
  ['src/misc.ts', '', /no row/],
  ['src/lib/a.ts', '\n'.repeat(301), /has 301 lines; 300 are the most/],
]

for (const [path, source, complaint] of climbing) {
  test(`caught: ${path}: ${source.trim().split('\n')[0] || complaint.source}`, (t) => {
    const violations = inspect(path, source)
    t.is(violations.length, 1, violations.join('\n'))
    t.regex(violations[0] ?? '', complaint)
  })
}

const staying: readonly (readonly [path: string, source: string])[] = [
  ['src/protocol/a.ts', "import { x } from './errors.ts'\nimport { y } from 'node:crypto'"],
  [
    'src/store/deep/a.ts',
    "import '../store.ts'\nimport '../../events/event.ts'\nimport '../../protocol/claims.ts'",
  ],
  ['src/store/a.ts', "import '../../migrations/index.ts'\nimport knex from 'knex'\nimport 'better-sqlite3'"],
  ['migrations/a.ts', "import type { Knex } from 'knex'\nimport './b.ts'"],
  ['src/users/a.ts', "new URL('./hash-worker.js', import.meta.url)\nimport '../store/store.ts'"],
  ['src/tokens/a.ts', "import { x } from '@mintage/verifier/jws'\nimport '../apis/target.ts'"],
  ['src/http/a.ts', "import '../admin/users.ts'\nimport '../grants/pipeline.ts'\nimport Koa from 'koa'"],
  ['src/compose.ts', "import { x } from './config.ts'\nimport './http/app.ts'\nprocess.env"],
  [
    'src/cli/a.ts',
    "import '../compose.ts'\nimport '../admin/users.ts'\nimport '../config.ts'\nprocess.env.CI",
  ],
  ['src/main.ts', "import './cli/program.ts'"],
  [
    'src/http/a.ts',
    "const text = \"import '../store/store.ts'\" // import '../store/store.ts'\n/* process.env */",
  ],
  ['src/http/a.ts', 'const text = `process.env`; const re = /import "knex"/'],
  ['src/lib/a.ts', '\n'.repeat(300)],
  ['src/lib/commonality.ts', ''],
]

for (const [path, source] of staying) {
  test(`allowed: ${path}: ${source.split('\n')[0]}`, (t) => t.deepEqual(inspect(path, source), []))
}
