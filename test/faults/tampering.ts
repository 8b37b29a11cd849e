import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { makeChildInstallation } from '../support/child-installation.ts'
import { runMintage } from '../support/child-issuer.ts'
import { audience, password } from '../support/in-process-issuer.ts'
import { refreshTokenOf, TokenClient } from '../support/token-client.ts'

// `npm run faults:tampering`: what `mintage audit verify` says to a trail that somebody changed by hand, who can write to
// the database and has no key; exit 1 when one of them passes for intact.

/** What is done, in the database alone, to a trail of a dozen rows and more. */
const manipulations: readonly (readonly [what: string, sql: string])[] = [
  ['nothing', ''],
  ['a row changed', `UPDATE audit SET data = replace(data, 'usr_', 'usr_0') WHERE type = 'user.created'`],
  ['a time changed', 'UPDATE audit SET at = at - 3600000 WHERE sequence = 10'],
  ['a row deleted', 'DELETE FROM audit WHERE sequence = 10'],
  [
    'a row inserted',
    `INSERT INTO audit (at, type, data) SELECT at, type, data FROM audit WHERE type = 'session.revoked' LIMIT 1`,
  ],
  [
    'a row copied, its stamp too',
    `INSERT INTO audit (at, type, data, stamp) SELECT at, type, data, stamp FROM audit WHERE type = 'session.revoked' LIMIT 1`,
  ],
  ['the tail cut', 'DELETE FROM audit WHERE sequence > 8'],
  [
    'the tail cut and the head set back to fit',
    `UPDATE audit_chain SET sequence = 8, seal = (SELECT seal FROM audit WHERE sequence = 8);
     DELETE FROM audit WHERE sequence > 8`,
  ],
]

const Database = loadSqliteDriver()
const installation = await makeChildInstallation({ environment: { MINTAGE_LOG_LEVEL: 'silent' } })
try {
  const { secret = '' } = await installation.prepare(async ({ apis, clients, users }) => {
    await apis.create(audience, {})
    await users.create('ada', { password })
    return clients.create('service', false, { grants: ['password', 'refresh_token'], audiences: [audience] })
  })
  const node = await installation.serve()
  const client = new TokenClient({ id: 'service', secret })
  for (let i = 0; i < 5; i++) {
    const token = refreshTokenOf(await client.login(installation.issuer, 'ada'))
    await client.post(`${installation.issuer}/oauth2/revoke`, { token })
  }
  client.close()
  await node.end()
  for (const [i, [what, sql]] of manipulations.entries()) {
    const copy = join(installation.directory, `copy-${i}.db`)
    copyFileSync(join(installation.directory, 'mintage.db'), copy)
    const database = new Database(copy)
    database.exec(sql)
    const changes = Number(database.prepare('SELECT total_changes()').pluck().get())
    database.close()
    if (sql !== '' && changes === 0) throw new Error(`Nothing was done: ${sql}`)
    const { code, stdout } = await runMintage(['audit', 'verify'], {
      ...installation.environment,
      MINTAGE_DATABASE_URL: `sqlite:${copy}`,
    })
    console.log(`${what} (exit ${code})\n  ${stdout.trimEnd().replaceAll('\n', '\n  ')}`)
    if (code !== (sql === '' ? 0 : 1)) process.exitCode = 1
  }
} finally {
  await installation.remove()
}
