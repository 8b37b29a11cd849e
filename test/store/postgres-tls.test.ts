import { join } from 'node:path'
import { inspect } from 'node:util'
import test from 'ava'
import { openDatabase } from '../../src/store/database.ts'
import { StoreUnavailableError } from '../../src/store/errors.ts'
import { readPostgresAddress } from '../../src/store/postgres-address.ts'
import { openStore } from '../../src/store/store.ts'
import { postgresServer, usePostgresDatabase } from '../support/postgres-database.ts'

/** Holds `ca.crt`, which has signed the server's certificate for `localhost`, and `other.crt`, which has not. */
const certificates = process.env['MINTAGE_TEST_POSTGRES_CERTIFICATES']

const encrypted = postgresServer === undefined || certificates === undefined ? test.skip : test.serial

const secret = 'canary-of-the-database'

interface Way {
  readonly host?: string
  readonly parameters: Readonly<Record<string, string>>
}

/** The URL of the test server by another way, with a password. */
function urlOf(database: string, { host = 'localhost', parameters }: Way): string {
  const url = new URL(database)
  url.hostname = host
  url.password = secret
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

const file = (name: string) => join(certificates ?? '', name)

encrypted('a server whose certificate the named CA has signed is used, encrypted', async (t) => {
  const { directUrl } = await usePostgresDatabase(t)
  for (const sslmode of ['require', 'verify-full', 'verify-ca', 'no-verify']) {
    const parameters = { sslmode, ...(sslmode !== 'no-verify' && { sslrootcert: file('ca.crt') }) }
    const url = urlOf(directUrl, { parameters })
    const store = await openStore({ url })
    t.true(await store.isUsable(), sslmode)
    await store.close()
    const { knex } = openDatabase(url)
    const { rows } = await knex.raw('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
    t.deepEqual(rows, [{ ssl: true }], sslmode)
    await knex.destroy()
  }
})

const refused: readonly (readonly [what: string, way: Way, message: RegExp])[] = [
  ['of an unknown CA', { parameters: { sslmode: 'require' } }, /sslrootcert=FILE in MINTAGE_DATABASE_URL/],
  [
    'of another CA',
    { parameters: { sslmode: 'verify-ca', sslrootcert: file('other.crt') } },
    /not trusted.*sslrootcert=FILE in MINTAGE_DATABASE_URL/,
  ],
  [
    'for another host',
    { host: '127.0.0.1', parameters: { sslmode: 'verify-full', sslrootcert: file('ca.crt') } },
    /for another host.*MINTAGE_DATABASE_URL/,
  ],
]

for (const [what, way, message] of refused) {
  encrypted(`a server with a certificate ${what} is refused, and no password is told`, async (t) => {
    const error = await t.throwsAsync(openStore({ url: urlOf(postgresServer ?? '', way) }), {
      instanceOf: StoreUnavailableError,
      message,
    })
    for (let each: unknown = error; each instanceof Error; each = each.cause) {
      t.false(inspect(each, { depth: 9, showHidden: true }).includes(secret))
    }
  })
}

encrypted('the host is not looked at where only the CA is to be verified', async (t) => {
  const parameters = { sslmode: 'verify-ca', sslrootcert: file('ca.crt') }
  const { knex } = openDatabase(urlOf(postgresServer ?? '', { host: '127.0.0.1', parameters }))
  t.teardown(() => knex.destroy())
  await t.notThrowsAsync(async () => knex.raw('SELECT 1'))
})

const read = (query: string) => readPostgresAddress(`postgres://mintage:${secret}@db.example/mintage${query}`)

test('the driver never sees what it would read in its own way', (t) => {
  const { connectionString, ssl, location } = read('?sslmode=require&application_name=issuer')
  t.is(connectionString, `postgres://mintage:${secret}@db.example/mintage?application_name=issuer`)
  t.deepEqual(ssl, { rejectUnauthorized: true })
  t.is(location, 'PostgreSQL at db.example:5432')
  t.is(read('').ssl, false)
  t.is(read('?sslmode=disable').ssl, false)
  t.deepEqual(read('?ssl=true').ssl, { rejectUnauthorized: true })
  t.deepEqual(read('?sslmode=no-verify').ssl, { rejectUnauthorized: false })
})

test('what cannot be obeyed is refused by its name, without the password', (t) => {
  const wrong: readonly (readonly [query: string, message: RegExp])[] = [
    ['?sslmode=prefer', /MINTAGE_DATABASE_URL: sslmode=prefer is not one of disable, require/],
    ['?sslmode=verify-full&sslrootcert=/nowhere/ca.crt', /\/nowhere\/ca\.crt of sslrootcert .*ENOENT/],
    ['?target_session_attrs=read-write', /target_session_attrs cannot be used/],
    ['?sslmode=require&sslcrl=x', /sslcrl cannot be used/],
  ]
  for (const [query, message] of wrong) {
    const error = t.throws(() => read(query), { instanceOf: StoreUnavailableError, message })
    t.false(error.message.includes(secret))
  }
  t.throws(() => readPostgresAddress('postgres://a.example,b.example/mintage'), { message: /several hosts/ })
})

test('CockroachDB is told by its scheme, and has a port of its own', (t) => {
  const { dialect, connectionString } = readPostgresAddress('cockroachdb://root@db.example/mintage')
  t.is(dialect, 'cockroachdb')
  t.is(connectionString, 'postgres://root@db.example:26257/mintage')
})
