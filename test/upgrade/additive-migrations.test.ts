import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Knex } from 'knex'
import { type Migration, migrations } from '../../migrations/index.ts'
import { openDatabase } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { makeDirectory } from '../support/installation.ts'
import { layDown, listFixtures } from './fixture.ts'
import { checkout } from './old-version.ts'
import { findBreaks, readShape, type SchemaShape } from './schema-changes.ts'

/** Runs migrations on a new database, one by one after the first `from`, and looks at the schema after each. */
async function runAll(
  t: ExecutionContext,
  all: readonly Migration[],
  from: number,
): Promise<readonly SchemaShape[]> {
  const file = join(makeDirectory(t), 'mintage.db')
  const database = openDatabase(`sqlite:${file}`)
  const shapes: SchemaShape[] = []
  try {
    for (let n = from; n <= all.length; n++) {
      if (n > 0) await migrate(database, all.slice(0, n))
      const connection = new (loadSqliteDriver())(file, { readonly: true })
      shapes.push(readShape(connection))
      connection.close()
    }
  } finally {
    await database.knex.destroy()
  }
  return shapes
}

/** What the versions before each migration that calls itself additive could not do after it. */
async function judge(t: ExecutionContext, all: readonly Migration[], from = 0): Promise<readonly string[]> {
  const shapes = await runAll(t, all, from)
  return all.slice(from).flatMap(({ name, additive }, index) => {
    const [before, after] = [shapes[index], shapes[index + 1]]
    if (additive !== true || !before || !after) return []
    return findBreaks(before, after).map((sentence) => `${name}: ${sentence}`)
  })
}

test('a migration that calls itself additive takes nothing away and demands nothing', async (t) => {
  t.true(migrations.some(({ additive }) => additive === true))
  t.deepEqual(await judge(t, migrations), [])
})

/** The same of one that follows those of today. */
function judgeNext(t: ExecutionContext, up: (knex: Knex) => Promise<unknown>): Promise<readonly string[]> {
  const next = {
    name: '9000-next',
    additive: true,
    up: async (knex: Knex) => void (await up(knex)),
    down: async () => undefined,
  }
  return judge(t, [...migrations, next], migrations.length)
}

const breaking: readonly (readonly [
  what: string,
  up: (knex: Knex) => Promise<unknown>,
  complaint: RegExp,
])[] = [
  [
    'drops a column',
    (knex) => knex.schema.alterTable('users', (table) => table.dropColumn('email')),
    /users\.email is gone/,
  ],
  ['drops a table', (knex) => knex.schema.dropTable('client_secrets'), /client_secrets is gone/],
  [
    'renames a column',
    (knex) => knex.schema.alterTable('apis', (table) => table.renameColumn('typ', 'type')),
    /apis\.typ is gone/,
  ],
  [
    'changes a type',
    (knex) => knex.schema.alterTable('apis', (table) => table.integer('typ').notNullable().alter()),
    /apis\.typ is another/,
  ],
  [
    'demands a value',
    (knex) => knex.schema.alterTable('foreign_token_ends', (table) => table.text('reason').notNullable()),
    /foreign_token_ends\.reason has to be filled/,
  ],
  [
    'allows a value once only',
    (knex) => knex.schema.alterTable('users', (table) => table.unique(['email'])),
    /users: unique \(email\) is new/,
  ],
]

for (const [what, up, complaint] of breaking) {
  test(`a migration that ${what} is not additive, whatever it calls itself`, async (t) => {
    t.regex((await judgeNext(t, up)).join(), complaint)
  })
}

test('columns that may be empty or have a default, indexes and tables are additive', async (t) => {
  const up = async (knex: Knex) => {
    await knex.schema.alterTable('users', (table) => {
      table.text('nickname')
      table.integer('visits').notNullable().defaultTo(0)
      table.index(['created_at'])
    })
    await knex.schema.createTable('nicknames', (table) => table.text('name').primary())
  }
  t.deepEqual(await judgeNext(t, up), [])
})

for (const name of listFixtures()) {
  test(`${name}: the rows that it wrote can be written to the schema of today`, async (t) => {
    const { MINTAGE_DATABASE_URL: url = '' } = layDown(name, makeDirectory(t))
    const database = openDatabase(url)
    await migrate(database)
    await database.knex.destroy()
    const connection = new (loadSqliteDriver())(url.slice('sqlite:'.length))
    const dump = readFileSync(join(checkout, 'test/upgrade/fixtures', name, 'database.sql'), 'utf8')
    const rows = dump
      .split('\n')
      .filter((line) => line.startsWith('INSERT INTO') && !/^INSERT INTO "(knex_|sqlite_)/.test(line))
    t.true(rows.length > 50)
    connection.pragma('foreign_keys = OFF')
    for (const table of new Set(rows.map((row) => row.split('"')[1])))
      connection.exec(`DELETE FROM "${table}"`)
    for (const row of rows) t.notThrows(() => connection.exec(row), row.slice(0, 80))
    connection.close()
  })
}
