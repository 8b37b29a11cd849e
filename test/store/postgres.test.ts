import test from 'ava'
import { testSealedVault } from '../keys/sealed-vault-suite.ts'
import { createPostgresDatabase, postgresServer } from '../support/postgres-database.ts'
import { testAudit } from './audit-suite.ts'
import { testBehaviour } from './behaviour-suite.ts'
import { testConcurrency } from './concurrency-suite.ts'
import { testFailedAttempts } from './failed-attempts-suite.ts'
import { testInspection } from './inspection-suite.ts'
import { testStatus } from './status-suite.ts'
import { testTables } from './table-suite.ts'
import type { TestEngine } from './test-database.ts'
import { testThrottling } from './throttle-suite.ts'

/** Each test has a database of its own, reached through a proxy that can be shut. */
function postgres(admin: string, isolation: 'serializable' | undefined): TestEngine {
  return {
    name: 'postgres',
    ...(isolation && { isolation }),
    async open() {
      const { url, proxy, drop } = await createPostgresDatabase(admin)
      const interrupt = async () => {
        await proxy.shut()
        return proxy.open
      }
      return { url, interrupt, drop }
    },
  }
}

if (postgresServer === undefined) {
  test.skip('postgres: set MINTAGE_TEST_POSTGRES to the URL of a server to run these suites', (t) => t.pass())
} else {
  // Where the whole server is, every transaction is, as on a database that knows no other level.
  const isSerializable = process.env['MINTAGE_TEST_ISOLATION'] === 'serializable'
  const engine = postgres(postgresServer, isSerializable ? 'serializable' : undefined)
  testTables(engine)
  testBehaviour(engine)
  testConcurrency(engine)
  testAudit(engine)
  testFailedAttempts(engine)
  testStatus(engine)
  testThrottling(engine)
  testInspection(engine)
  testSealedVault(engine)
}
