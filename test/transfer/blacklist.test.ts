import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { runMintage } from '../support/child-issuer.ts'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { DjangoTables } from './django-tables.ts'

/** As `manage.py migrate` of SimpleJWT 5.5 makes them in SQLite, without the indexes. */
const tables = `
  CREATE TABLE "token_blacklist_outstandingtoken" ("token" text NOT NULL, "created_at" datetime NULL,
    "expires_at" datetime NOT NULL, "user_id" integer NULL, "jti" varchar(255) NOT NULL UNIQUE,
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT);
  CREATE TABLE "token_blacklist_blacklistedtoken" ("blacklisted_at" datetime NOT NULL,
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "token_id" bigint NOT NULL UNIQUE);`

test('what a Django project has blacklisted is taken over by a command, once, and its other tokens are not', async (t) => {
  const issuer = await startTestIssuer(t)
  const project = new DjangoTables(join(issuer.directory, 'django.sqlite3'))
  const environment = { MINTAGE_DATABASE_URL: issuer.databaseUrl, MINTAGE_KEYS_DIR: issuer.keysDir }
  const run = (source: string) => runMintage(['session', 'import-blacklist', source, '--json'], environment)

  const missing = await run(project.path)
  t.is(missing.code, 1)
  t.regex(missing.stderr, /has no table token_blacklist_blacklistedtoken/)
  const list = join(issuer.directory, 'users.ndjson')
  writeFileSync(list, '{"username":"bea"}\n')
  t.regex((await run(list)).stderr, /A blacklist is read from postgres/)

  project.run(tables)
  // More than one page, of which the project's other tokens are not a part.
  for (let first = 0; first < 2_500; first += 500) {
    const ids = Array.from({ length: 500 }, (_, n) => first + n + 1)
    const rows = ids.map((id) => `('x', '${id === 7 ? 2020 : 2999}-01-02 03:04:05.678', 'jti-${id}', ${id})`)
    project.run(
      `INSERT INTO token_blacklist_outstandingtoken (token, expires_at, jti, id) VALUES ${rows.join()};
       INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
         SELECT '2025-01-01 00:00:00', id FROM token_blacklist_outstandingtoken
         WHERE id > ${first} AND id % 2 = 1;`,
    )
  }
  const { code, stdout, stderr } = await run(project.path)
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), { taken: 1_249, known: 0, expired: 1, ended_sessions: 0 })
  const again = JSON.parse((await run(project.path)).stdout)
  t.deepEqual(again, { taken: 0, known: 1_249, expired: 1, ended_sessions: 0 })
})
